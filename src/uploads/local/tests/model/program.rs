use super::worlds::Told;
use super::*;
use crate::catalog::CatalogError;
use crate::catalog::faulty::FaultyCatalog;
use crate::db::PATIENCE;
use crate::domain::State;
use crate::uploads::local::Finisher;
use std::time::Instant;
use tokio::sync::Mutex;

/// How many bytes the parts of a final upload may have together.
pub(super) const TOGETHER: u64 = 34;
/// How many bytes are digested before it is noted how far that has come.
pub(super) const SLICE: u64 = 5;

/// Stores that are used for many cases, and may be closed and opened again.
pub(super) struct Program {
    folder: TempDir,
    database: Option<TestDatabase>,
    budget: Budget,
    pub open: Option<Open>,
}

/// A program that runs.
pub(super) struct Open {
    backends: [LocalUploads; 2],
    pub catalog: FaultyCatalog,
    pub blobs: FaultyBlobs,
    /// One for whoever is stopped in the middle of a sweep, and one for who sweeps meanwhile.
    sweepers: [Mutex<Sweeper>; 2],
}

/// A request, with everything that it brings.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Create {
        new: NewUpload,
        bytes: Vec<u8>,
        expires: bool,
    },
    Append {
        append: Append,
        bytes: Vec<u8>,
        expires: bool,
    },
    Terminate,
    Sweep,
    Stat,
    /// Of a complete upload, which has this content.
    Read {
        content: Vec<u8>,
    },
    /// What is left to be done about final uploads; their digests get so many slices further.
    Finish {
        slices: usize,
    },
}

/// Of sessions other than the one that asks.
const SESSIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
     AND pid <> pg_backend_pid() AND backend_type = 'client backend'";

impl Program {
    pub(super) async fn start(on_postgres: bool) -> Self {
        let database = match on_postgres {
            true => Some(TestDatabase::migrated().await.0),
            false => None,
        };
        let (folder, budget) = (tempfile::tempdir().unwrap(), Budget::new(BUDGET));
        let mut program = Self { folder, database, budget, open: None };
        program.restart().await;
        program
    }

    pub(super) fn is_on_postgres(&self) -> bool {
        self.database.is_some()
    }

    pub(super) fn open(&self) -> &Open {
        self.open.as_ref().unwrap()
    }

    /// Ends what is under way, without a word to anybody, and starts again.
    pub(super) async fn restart(&mut self) {
        self.settle_files().await;
        self.open = None;
        let (catalog, blobs): (Arc<dyn Catalog>, Arc<dyn BlobStore>) = match &self.database {
            None => open_stores(self.folder.path()).await,
            Some(database) => {
                while database.numbers(SESSIONS).await != [0] {}
                // Who waits for the lock of one that is stopped need not wait for long.
                let url = database.url_with("options=-c%20lock_timeout%3D50ms");
                let config = PgConfig { url, password: None, pool_size: 8 };
                let pool = Pool::open(&config).await.unwrap();
                (Arc::new(PostgresCatalog::new(pool.clone())), Arc::new(PostgresBlobs::new(pool)))
            }
        };
        let (catalog, blobs) = (FaultyCatalog::new(catalog), FaultyBlobs::new(blobs));
        let (store, bytes): (Arc<dyn Catalog>, Arc<dyn BlobStore>) =
            (Arc::new(catalog.clone()), Arc::new(blobs.clone()));
        let backend = |ttl| {
            let (catalog, blobs, budget) = (store.clone(), bytes.clone(), self.budget.clone());
            LocalUploads::new(catalog, blobs, budget, ContainerId::from_bits(1), ttl, TOGETHER).hurried()
        };
        let sweeper = || Mutex::new(Sweeper::new(store.clone(), bytes.clone(), Duration::ZERO));
        self.open = Some(Open {
            backends: [backend(TTL), backend(Duration::ZERO)],
            sweepers: [sweeper(), sweeper()],
            catalog,
            blobs,
        });
    }

    /// Waits until nothing that was given up is still being done.
    pub(super) async fn settle(&mut self) {
        match self.is_on_postgres() {
            // Only the end of its session shows that.
            true => self.restart().await,
            false => self.settle_files().await,
        }
    }

    /// What is done outside of the runtime is done in turn.
    async fn settle_files(&self) {
        if let Some(open) = &self.open {
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            open.catalog.forget(&[]).await.unwrap();
        }
    }

    /// Nobody may be in the middle of changing any.
    pub(super) async fn check_references(&self) {
        leftovers::check_references_in(self.folder.path(), self.database.as_ref()).await;
    }

    /// So much time goes by that nobody is waited for who writes.
    pub(super) async fn silence_writers(&self) {
        const SILENCE: &str = "UPDATE uploads SET writer_seen_at = NULL";
        match &self.database {
            Some(database) => database.execute(SILENCE).await,
            None => {
                let connection = rusqlite::Connection::open(self.folder.path().join("catalog.db")).unwrap();
                connection.execute(SILENCE, []).unwrap();
            }
        }
    }

    pub(super) async fn leftovers(&self) -> Leftovers {
        Leftovers::of(self.folder.path(), self.database.as_ref()).await
    }

    pub(super) fn check_budget(&self) {
        assert_eq!(self.budget.free(), BUDGET as usize);
    }
}

impl Open {
    /// `hand` is 0 for who may be stopped, 1 for who comes meanwhile.
    pub(super) async fn perform(&self, hand: usize, id: UploadId, act: Act) -> Told {
        let call = Call::default();
        let backend = |expires: bool| &self.backends[usize::from(expires)];
        let outcome = match act {
            Act::Create { new, bytes, expires } => {
                backend(expires).create(&call, new, first_chunk(&bytes)).await.map(drop)
            }
            Act::Append { append, bytes, expires } => {
                backend(expires).append(&call, id, append, body(&bytes)).await.map(drop)
            }
            Act::Terminate => self.backends[0].terminate(&call, id).await,
            Act::Stat => self.backends[0].inspect(&call, id).await.map(drop),
            Act::Read { content } => self.read_if_complete(id, &content).await,
            Act::Sweep => match self.sweep(hand).await {
                Ok(()) => Ok(()),
                Err(_) => return Told::Unclear,
            },
            Act::Finish { slices } => match self.finish(slices).await {
                Ok(()) => Ok(()),
                Err(_) => return Told::Unclear,
            },
        };
        outcome.into()
    }

    pub(super) fn follows_what_is_under_way(&self, id: UploadId, act: &Act) -> bool {
        let Act::Append { append: Append { writer: Writer::Holds(epoch), offset, .. }, .. } = act else {
            return false;
        };
        self.backends.iter().any(|backend| backend.under_way.before(id, *epoch, *offset).is_some())
    }

    async fn sweep(&self, hand: usize) -> Result<(), SweepError> {
        let (mut sweeper, mut swept) = (self.sweepers[hand].lock().await, Swept::default());
        sweeper.sweep(&mut swept).await?;
        sweeper.search(&mut swept).await
    }

    async fn finish(&self, slices: usize) -> Result<(), CatalogError> {
        let (catalog, blobs) = (Arc::new(self.catalog.clone()), Arc::new(self.blobs.clone()));
        let mut finisher = Finisher::new(catalog, blobs, TOGETHER);
        (finisher.slice, finisher.rest) = (SLICE, Duration::ZERO);
        let mut finished = finisher.join().await;
        for _ in 0..slices {
            finished = finisher.digest().await.map(drop).and(finished);
        }
        finished
    }

    /// Whoever reads it sees this content, to its end or not at all.
    async fn read_if_complete(&self, id: UploadId, content: &[u8]) -> Result<(), UploadError> {
        let upload = self.stat(id).await?;
        if upload.state() == State::Receiving {
            return Ok(());
        }
        match self.try_to_read(&upload).await {
            Ok(read) => assert_eq!(read, content),
            // Since we looked.
            Err(UploadError::Gone) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(super) async fn stat(&self, id: UploadId) -> Result<Upload, UploadError> {
        patiently(async || self.backends[0].stat(&Call::default(), id).await).await
    }

    /// As it is recorded; nothing comes of it.
    pub(super) async fn find(&self, id: UploadId) -> Result<Upload, UploadError> {
        patiently(async || Ok(self.catalog.find(id).await?.upload)).await
    }

    pub(super) async fn is_written(&self, id: UploadId) -> bool {
        patiently(async || Ok(self.catalog.find(id).await?.written)).await.unwrap()
    }

    pub(super) async fn read(&self, upload: &Upload) -> Vec<u8> {
        patiently(async || self.try_to_read(upload).await).await.unwrap()
    }

    async fn try_to_read(&self, upload: &Upload) -> Result<Vec<u8>, UploadError> {
        let content =
            self.backends[0].open(&Call::default(), &upload.clone().into(), 0..upload.offset).await?;
        Ok(content.try_collect::<Vec<Bytes>>().await?.concat())
    }

    /// Faults that did not strike never will.
    pub(super) fn heal(&self) {
        self.catalog.clear();
        self.blobs.clear();
    }
}

/// On a busy machine an answer may really take longer than it is waited for; then it is asked for again. Where it is refused
/// sooner something is wrong.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, UploadError>) -> Result<T, UploadError> {
    for _ in 0..9 {
        let begun = Instant::now();
        match ask().await {
            Err(UploadError::Unavailable { .. }) if begun.elapsed() >= PATIENCE => {}
            answer => return answer,
        }
    }
    ask().await
}
