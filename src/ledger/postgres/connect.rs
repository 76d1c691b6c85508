//! Connections to the database: opened when needed, and again after they broke.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ledger::postgres::address::PostgresAddress;
use crate::ledger::postgres::fault::Fault;
use crate::secret::{ExposeSecret as _, SecretString};
use crate::system::{Clock, Lease};

/// How long a broken connection is tried again, if no lease ends first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pauses between tries: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How long one try may take. Far more than any statement needs, but for the jobs of a very large run.
const TRY: Duration = Duration::from_secs(300);

/// How to connect.
pub(super) struct Connector {
    pub(super) address: PostgresAddress,
    pub(super) password: Option<SecretString>,
    pub(super) tls: Option<ClientConfig>,
}

/// One connection, which is replaced once it is broken.
pub(super) struct Link {
    connector: Arc<Connector>,
    /// Where connections are served, however short-lived the caller's runtime is.
    home: Handle,
    client: Mutex<Option<Arc<Client>>>,
    clock: Clock,
}

impl Connector {
    /// Open a connection, and serve it on the runtime of the caller.
    async fn connect(&self) -> Result<Client, Fault> {
        let mut config = self.address.config.clone();
        if let Some(password) = &self.password {
            config.password(password.expose_secret());
        }
        let client = match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                // Its error reaches whoever waits for an answer on it.
                drop(tokio::spawn(connection));
                client
            }
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.clone());
                let (client, connection) = config.connect(tls).await?;
                drop(tokio::spawn(connection));
                client
            }
        };
        let row = client
            .query_typed_one("SELECT current_setting('synchronous_commit')", &[])
            .await?;
        // A commit must survive a power cut, whatever the database does for others.
        if row.try_get::<_, &str>(0)? == "off" {
            client.batch_execute("SET synchronous_commit = on").await?;
        }
        Ok(client)
    }
}

impl Link {
    pub(super) fn new(connector: Arc<Connector>, home: Handle) -> Self {
        Self {
            connector,
            home,
            client: Mutex::new(None),
            clock: Clock::os(),
        }
    }

    /// A connection of its own to the same database.
    pub(super) fn another(&self) -> Self {
        Self::new(Arc::clone(&self.connector), self.home.clone())
    }

    /// The connection, a new one if there is none or if it is known to be broken.
    pub(super) async fn client(&self) -> Result<Arc<Client>, Fault> {
        let mut client = self.client.lock().await;
        if let Some(open) = client.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(open));
        }
        let connector = Arc::clone(&self.connector);
        let opened = self
            .home
            .spawn(async move { connector.connect().await })
            .await
            .map_err(|error| Fault::Postgres(error.into()))??;
        let opened = Arc::new(opened);
        *client = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// Where tasks of the ledger run.
    pub(super) const fn home(&self) -> &Handle {
        &self.home
    }

    /// Use a new connection from now on.
    pub(super) async fn forget(&self) {
        *self.client.lock().await = None;
    }

    /// Do `work`, again on a new connection after one broke. The work must be such that doing it twice does no harm.
    pub(super) async fn persist<T, F>(
        &self,
        lease: &Lease,
        work: impl Fn(Arc<Client>) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let (began, (mut pause, longest)) = (self.clock.elapsed(), PAUSES);
        loop {
            let once = async { work(self.client().await?).await };
            let fault = match tokio::time::timeout(TRY, once).await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(fault)) => fault,
                Err(_) => Fault::Broken(anyhow::anyhow!("it does not answer")),
            };
            if !fault.is_passing() {
                return Err(fault);
            }
            // Never used again: what it was asked before could still be answered on it.
            self.forget().await;
            if lease.is_over() {
                return Err(Fault::LeaseOver);
            }
            if self.clock.elapsed().saturating_sub(began) > PATIENCE {
                return Err(fault);
            }
            self.clock.sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }
}
