//! One SQLite file: one writer thread, a few readers, none of them on the threads of the async runtime.

use super::{Error, within_patience};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Connections that read at the same time. They never wait for the writer (WAL).
const READERS: usize = 4;
/// Writes that wait for their turn; more wait before the queue.
const QUEUE: usize = 64;
/// Waiting for another process that writes to the same file. Shorter than [`super::PATIENCE`].
const BUSY: Duration = Duration::from_secs(2);

/// A database file. SQLite has one writer at a time, so all writes of the process go through one thread, in turn; clones
/// share it.
#[derive(Clone)]
pub struct Database {
    path: Arc<Path>,
    writer: mpsc::Sender<Job>,
    readers: Arc<Readers>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

struct Readers {
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// What a power cut may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was answered.
    Full,
    /// The last moments: for what is said again every second anyway. Never the order, and nothing of a full write.
    Relaxed,
}

impl Database {
    /// Opens the file, or makes it. Its folder has to exist.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let path: Arc<Path> = path.into();
        let file = path.clone();
        let connection = run_blocking(move || {
            // Who finds another program turning a new file to WAL is told at once that it is busy, without waiting.
            let _alone = lock(&file)?;
            connect(&file)
        })
        .await?;
        let (writer, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || serve(connection, jobs))
            .map_err(Error::unavailable)?;
        let readers = Readers { turns: Arc::new(Semaphore::new(READERS)), idle: Mutex::default() };
        Ok(Self { path, writer, readers: Arc::new(readers) })
    }

    pub(super) fn path(&self) -> Arc<Path> {
        self.path.clone()
    }

    /// Runs `work` in a transaction of its own, which is committed if `work` succeeds and rolled back if it fails.
    pub async fn write<T, E>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        within_patience(self.on_writer(move |connection| {
            // In WAL mode NORMAL leaves out the fsync of the commit; that of the next full one includes it.
            let synchronous = match durability {
                Durability::Full => "FULL",
                Durability::Relaxed => "NORMAL",
            };
            connection.pragma_update(None, "synchronous", synchronous).map_err(Error::from)?;
            // IMMEDIATE: a transaction that reads first and writes then could not be granted the lock any more.
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::from)?;
            let outcome = work(&transaction)?;
            transaction.commit().map_err(Error::from)?;
            Ok(outcome)
        }))
        .await
    }

    /// Runs `work` on the writer's connection, outside of a transaction, however long it takes.
    pub(super) async fn on_writer<T, E>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (reply, outcome) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Nobody waits for what was asked too long ago.
            if !reply.is_closed() {
                reply.send(work(connection)).ok();
            }
        });
        self.writer.send(job).await.map_err(|_| Error::broken("the writer has ended"))?;
        outcome.await.map_err(|_| Error::broken("a write was abandoned"))?
    }

    /// Runs `work`, which only reads, beside the writer and other readers.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        within_patience(async {
            let turn = self.readers.turns.clone().acquire_owned().await.map_err(Error::broken)?;
            let (readers, path) = (self.readers.clone(), self.path.clone());
            run_blocking(move || {
                let _turn = turn;
                let idle = readers.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let connection = idle.map_or_else(|| connect(&path), Ok)?;
                let outcome = work(&connection);
                readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
                outcome
            })
            .await
        })
        .await
    }
}

/// Waits until no other program opens or migrates the file at `path`, and keeps them waiting until this is dropped.
pub(super) fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::create(name).map_err(Error::unavailable)?;
    lock.lock().map_err(Error::unavailable)?;
    Ok(lock)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn serve(mut connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(job) = jobs.blocking_recv() {
        // A defect in one write must not end all others. Its transaction was rolled back as it was dropped.
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            log::error!("a write to SQLite panicked");
        }
    }
}

async fn run_blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(Error::broken)?
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.db")).await.unwrap();
        database
            .write(Durability::Full, |t| Ok::<_, Error>(t.execute_batch("CREATE TABLE n (n)")?))
            .await
            .unwrap();
        (folder, database)
    }

    async fn count(database: &Database) -> i64 {
        database
            .read(|c| Ok::<_, Error>(c.query_row("SELECT count(*) FROM n", [], |row| row.get(0))?))
            .await
            .unwrap()
    }

    fn insert(transaction: &Transaction<'_>) -> Result<(), Error> {
        transaction.execute("INSERT INTO n VALUES (1)", [])?;
        Ok(())
    }

    #[tokio::test]
    async fn a_write_that_fails_leaves_nothing() {
        let (_folder, database) = database().await;
        let failed = database.write(Durability::Full, |t| {
            insert(t)?;
            Err::<(), _>(Error::unavailable("on purpose"))
        });
        assert!(failed.await.is_err());
        assert_eq!(count(&database).await, 0);
        database.write(Durability::Relaxed, insert).await.unwrap();
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn a_write_that_panics_ends_neither_the_writer_nor_its_lock() {
        let (_folder, database) = database().await;
        let failed = database.write(Durability::Full, |t| {
            insert(t)?;
            panic!("on purpose")
        });
        assert!(matches!(failed.await, Err::<(), _>(Error::Broken(_))));
        database.write(Durability::Full, insert).await.unwrap();
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn readers_read_while_a_write_is_under_way() {
        let (_folder, database) = database().await;
        let (wrote, has_written) = oneshot::channel();
        let (finish, may_finish) = oneshot::channel::<()>();
        let writing = database.write(Durability::Full, |t| {
            insert(t)?;
            wrote.send(()).unwrap();
            may_finish.blocking_recv().unwrap();
            Ok::<_, Error>(())
        });
        let reading = async {
            has_written.await.unwrap();
            let seen = count(&database).await;
            finish.send(()).unwrap();
            seen
        };
        let (written, seen) = tokio::join!(writing, reading);
        written.unwrap();
        assert_eq!(seen, 0);
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn a_database_locked_by_another_process_is_unavailable_in_time() {
        let (folder, database) = database().await;
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let refused = database.write(Durability::Full, insert).await;
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
        other.execute_batch("COMMIT").unwrap();
        database.write(Durability::Full, insert).await.unwrap();
    }
}
