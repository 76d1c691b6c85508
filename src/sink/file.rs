//! The sink `file:PATH`: one line of JSON per key, appended and synced; keys delivered at the same time share one sync.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::sink::index::Index;
use crate::sink::record::{self, Line};
use crate::sink::{Answer, Held, Key, KeyName, Sink, SinkError, blocking, nothing};
use crate::system::{FileError, files};

/// A file of keys.
#[derive(Clone, Debug)]
pub(super) struct FileSink {
    spec: String,
    path: PathBuf,
    waiting: Arc<Mutex<Vec<Waiting>>>,
    index: Arc<Mutex<Index>>,
}

/// A key to append.
#[derive(Debug)]
struct Waiting {
    name: KeyName,
    line: Line,
    sender: oneshot::Sender<Result<(), SinkError>>,
}

impl FileSink {
    /// A sink that reports call `spec`.
    pub(super) fn new(spec: String, path: PathBuf) -> Self {
        Self {
            spec,
            path,
            waiting: Arc::default(),
            index: Arc::default(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Append everything that waits. Keys that arrive meanwhile are written by the next caller to get the lock.
    fn append_waiting(&self) {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        // Everything that waits is written with one sync: the slowest part is shared.
        let batch = std::mem::take(&mut *self.queue());
        if batch.is_empty() {
            return;
        }
        let result = self.append(&mut index, &batch);
        for waiting in batch {
            let answer = match &result {
                Ok(()) => Ok(()),
                Err(error) => Err(error.again()),
            };
            // If the caller is gone, the key is stored anyway.
            let _unheard = waiting.sender.send(answer).is_err();
        }
    }

    fn append(&self, index: &mut Index, batch: &[Waiting]) -> Result<(), SinkError> {
        let failed = |error| FileError::at("write", &self.path, error);
        let mut file = files::open_append(&self.path)?;
        // Other processes may append to the same file.
        file.lock().map_err(failed)?;
        index.catch_up(&file).map_err(failed)?;
        let room = batch
            .iter()
            .map(|waiting| waiting.line.bytes().len())
            .sum::<usize>();
        let mut lines = Zeroizing::new(Vec::with_capacity(room + 1));
        // A line that was cut off by a crash must not swallow the next key.
        if index.is_torn() {
            lines.push(b'\n');
        }
        // A retry after a crash may deliver a key again; a second line would look like a second key.
        for (place, waiting) in batch.iter().enumerate() {
            let twice = batch.iter().take(place).any(|earlier| earlier.is(waiting));
            if !twice && !index.holds(&file, &waiting.name).map_err(failed)? {
                lines.extend_from_slice(waiting.line.bytes());
            }
        }
        let before = file.metadata().map_err(failed)?.len();
        // Synced before it counts as delivered, since the secret exists nowhere else.
        let written = file.write_all(&lines).and_then(|()| file.sync_all());
        written.map_err(|error| {
            // Half a key is useless, and the keys of this batch will be revoked.
            drop(file.set_len(before));
            failed(error).into()
        })
    }
}

impl Waiting {
    fn is(&self, other: &Self) -> bool {
        self.name.client_id == other.name.client_id && self.name.base_url == other.name.base_url
    }
}

impl Sink for FileSink {
    fn name(&self) -> String {
        self.spec.clone()
    }

    fn probe(&self) -> Answer<'_, ()> {
        let path = self.path.clone();
        blocking(move || {
            // The folder first: its leftovers may be what fills the disk.
            files::probe_beside(&path)?;
            files::open_append(&path)?;
            Ok(())
        })
    }

    fn held<'a>(&'a self, _: &'a str, _: &'a str) -> Answer<'a, Option<Held>> {
        nothing()
    }

    fn deliver<'a>(&'a self, key: &'a Key) -> Answer<'a, Option<Held>> {
        let (sender, answer) = oneshot::channel();
        let waiting = Waiting {
            name: key.name.clone(),
            line: record::line(key),
            sender,
        };
        let sink = self.clone();
        Box::pin(async move {
            blocking(move || {
                sink.queue().push(waiting);
                sink.append_waiting();
                Ok(())
            })
            .await?;
            let lost = |_| Err(SinkError::new("the write was not finished"));
            answer.await.unwrap_or_else(lost).map(|()| None)
        })
    }

    fn holds<'a>(&'a self, key: &'a KeyName) -> Answer<'a, Option<bool>> {
        let (sink, key) = (self.clone(), key.clone());
        blocking(move || {
            let Some(file) = files::open_own(&sink.path)? else {
                return Ok(Some(false));
            };
            let failed = |error| FileError::at("read", &sink.path, error);
            let mut index = sink.index.lock().unwrap_or_else(PoisonError::into_inner);
            file.lock_shared().map_err(failed)?;
            index.catch_up(&file).map_err(failed)?;
            if !index.holds(&file, &key).map_err(failed)? {
                return Ok(Some(false));
            }
            // The process that wrote it may have died before the sync.
            file.sync_all().map_err(failed)?;
            Ok(Some(true))
        })
    }
}
