//! A private PostgreSQL for tests: one cluster for the whole program, a database for each test.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use embedctl::ledger::postgres::{LeaseTimes, PostgresAddress, PostgresLedger, PostgresOptions};
use embedctl::ledger::sqlite::Process;
use tokio_postgres::{Client, NoTls};

use crate::support::{Sandbox, skip};

/// The password of the only user. Long enough that it is nowhere by chance.
pub(crate) const PASSWORD: &str = "pg-password-4711-hunter2";

/// The user that servers run as where tests run as root: PostgreSQL refuses root.
const NOBODY: u32 = 65_534;

/// A server of its own, which ends with this process.
pub(crate) struct Cluster {
    folder: PathBuf,
    bin: PathBuf,
    pub(crate) port: u16,
    /// Stops the server and removes its files once its standard input is closed.
    _keeper: Child,
}

/// A database of one test.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) port: u16,
    name: String,
}

/// The programs of the newest PostgreSQL that is installed as Debian does; nothing, and a word, where there is none.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut bins: Vec<_> = versions.map(|it| it.unwrap().path().join("bin")).collect();
    bins.retain(|bin| bin.join("initdb").is_file());
    bins.sort();
    let newest = bins.pop();
    if newest.is_none() {
        skip("no PostgreSQL is installed");
    }
    newest
}

/// `program` as a user that PostgreSQL accepts.
fn as_nobody(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
    command.args(ids).arg("--clear-groups").arg(program);
    command
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}

impl Cluster {
    fn start(bin: &Path) -> Self {
        Self::start_with(bin, None)
    }

    /// With TLS, if there is a certificate and its key.
    fn start_with(bin: &Path, tls: Option<(&str, &str)>) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let data = folder.join("data");
        let password = folder.join("password");
        fs::write(&password, PASSWORD).unwrap();
        if rustix::process::geteuid().is_root() {
            for path in [&folder, &password] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        run(as_nobody(bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .arg("--pwfile")
            .arg(&password)
            .args(["-U", "runner", "--auth=scram-sha-256", "--wal-segsize=1"])
            .args(["--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
            .current_dir(&folder));
        let port = free_port();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n\
             fsync = on\nshared_buffers = 16MB\nmax_connections = 200\nmax_wal_size = 64MB\nmin_wal_size = 2MB\n",
            folder.display()
        );
        fs::write(data.join("postgresql.auto.conf"), settings).unwrap();
        if let Some((certificate, key)) = tls {
            let settings = data.join("postgresql.conf");
            let mut text = fs::read_to_string(&settings).unwrap();
            text.push_str("\nssl = on\n");
            fs::write(settings, text).unwrap();
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                let path = data.join(name);
                fs::write(&path, text).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
                if rustix::process::geteuid().is_root() {
                    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
                }
            }
        }
        let cluster = Self {
            _keeper: keeper(bin, &folder),
            folder,
            bin: bin.to_owned(),
            port,
        };
        cluster.control(&["start", "-w", "-l"], Some("log"));
        cluster
    }

    /// The server that all tests share.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| programs().map(|bin| Self::start(&bin)));
        shared.as_ref()
    }

    /// A server for one test, which may do what it likes to it.
    pub(crate) fn own() -> Option<Self> {
        programs().map(|bin| Self::start(&bin))
    }

    /// A server that speaks TLS with this certificate and its key.
    pub(crate) fn with_tls(certificate: &str, key: &str) -> Option<Self> {
        programs().map(|bin| Self::start_with(&bin, Some((certificate, key))))
    }

    /// End the server as a power cut would, and start it again.
    pub(crate) fn restart(&self) {
        self.control(&["restart", "-w", "-m", "immediate", "-l"], Some("log"));
    }

    fn control(&self, words: &[&str], log: Option<&str>) {
        let mut command = as_nobody(self.bin.join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data")).args(words);
        command.args(log.map(|log| self.folder.join(log)));
        // The server keeps what it inherits, so that waiting for the end of a pipe would take for ever.
        let status = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir(&self.folder)
            .status();
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(status.unwrap().success(), "{command:?}: {log}");
    }

    /// A fresh database.
    pub(crate) async fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("runs{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let client = connect(self.port, "postgres").await;
        let create = format!("CREATE DATABASE {name}");
        client.batch_execute(&create).await.unwrap();
        Database {
            url: format!("postgres://runner@127.0.0.1:{}/{name}", self.port),
            port: self.port,
            name,
        }
    }
}

/// A pooler in transaction mode in front of a server: each transaction may get another connection.
pub(crate) struct Pooler {
    pub(crate) port: u16,
    folder: tempfile::TempDir,
    process: Child,
}

impl Pooler {
    /// In front of `cluster`; nothing, and a word, where there is no PgBouncer.
    pub(crate) fn start(cluster: &Cluster) -> Option<Self> {
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
        let Some(program) = program.into_iter().find(|it| Path::new(it).is_file()) else {
            skip("no PgBouncer is installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let (users, settings) = (
            folder.path().join("users"),
            folder.path().join("pgbouncer.ini"),
        );
        fs::write(&users, format!("\"runner\" \"{PASSWORD}\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = 3\nmax_client_conn = 100\n",
            cluster.port,
            users.display()
        );
        fs::write(&settings, text).unwrap();
        if rustix::process::geteuid().is_root() {
            for path in [folder.path(), &users, &settings] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let mut command = as_nobody(program);
        command.arg("-q").arg(&settings);
        let null = Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        let process = command.spawn().unwrap();
        Some(Self {
            port,
            folder,
            process,
        })
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ended = self
            .process
            .kill()
            .and_then(|()| self.process.wait())
            .is_ok();
        let _folder = self.folder.path();
    }
}

/// Free a moment ago; whoever is faster makes the start of a server fail, which says so.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A shell that waits until this process is gone, however it ended.
fn keeper(bin: &Path, folder: &Path) -> Child {
    let mut keeper = Command::new("sh");
    keeper
        .arg("-c")
        .arg("read -r _; \"$@\" >/dev/null 2>&1; rm -rf \"$FOLDER\"")
        .arg("sh");
    let stop = {
        let mut stop = as_nobody(bin.join("pg_ctl"));
        stop.arg("-D").arg(folder.join("data"));
        stop.args(["stop", "-m", "immediate"]);
        stop
    };
    keeper.arg(stop.get_program()).args(stop.get_args());
    // Whoever ends this program's whole group must not end the one that tidies up after it.
    std::os::unix::process::CommandExt::process_group(&mut keeper, 0);
    keeper
        .env("FOLDER", folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    keeper.spawn().unwrap()
}

async fn connect(port: u16, database: &str) -> Client {
    let mut config = tokio_postgres::Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user("runner")
        .password(PASSWORD)
        .dbname(database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Database {
    /// A fresh database of the shared server; nothing where there is no PostgreSQL.
    pub(crate) async fn fresh() -> Option<Self> {
        Some(Cluster::shared()?.database().await)
    }

    /// A connection to look around in.
    pub(crate) async fn client(&self) -> Client {
        connect(self.port, &self.name).await
    }

    /// Let the runs of this sandbox be recorded here.
    pub(crate) fn used_by(&self, sandbox: &mut Sandbox) {
        sandbox
            .var("EMBEDCTL_LEDGER", &self.url)
            .var("PGPASSWORD", PASSWORD);
    }

    /// The ledger in it, as the process `owner` opens it.
    pub(crate) async fn ledger(&self, times: LeaseTimes, owner: &Process) -> PostgresLedger {
        let options = PostgresOptions {
            address: PostgresAddress::parse(&self.url).unwrap(),
            password: Some(PASSWORD.into()),
            tls: None,
            times,
            owner: (owner.pid, owner.host.clone()),
        };
        PostgresLedger::open(options).await.unwrap()
    }
}
