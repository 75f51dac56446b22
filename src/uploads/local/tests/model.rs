//! Random requests against a model of what an upload is, with the stores closed and opened in between.

use super::*;
use crate::domain::Epoch;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What an upload is.
#[derive(Debug, Default)]
struct Model {
    content: Vec<u8>,
    length: Option<u64>,
    epoch: i64,
    removed: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Append { by: By, off_by: i64, length: Option<u64>, bytes: Vec<u8> },
    Terminate,
    Reopen,
}

#[derive(Clone, Copy, Debug)]
enum By {
    Client,
    /// A relay that took the epoch so many epochs ago.
    Relay {
        ago: i64,
    },
}

impl Model {
    fn end(&self) -> u64 {
        self.content.len() as u64
    }

    fn append(&mut self, append: &Append, bytes: &[u8]) -> Result<(), UploadError> {
        let (offset, mut epoch) = (self.end(), Epoch(self.epoch));
        match append.writer {
            _ if self.removed => return Err(UploadError::Gone),
            Writer::Holds(held) if held != epoch => return Err(UploadError::Superseded { offset, epoch }),
            _ if self.length == Some(offset) => return Err(UploadError::Complete { offset, epoch }),
            _ if append.offset != offset => return Err(UploadError::WrongOffset { offset, epoch }),
            Writer::Claims | Writer::ClaimsAfter(_) => epoch = epoch.next(),
            Writer::Holds(_) => {}
        }
        self.epoch = epoch.0;
        let length = match (self.length, append.length) {
            (Some(length), Some(other)) if other != length => {
                return Err(UploadError::LengthIsKnown { length });
            }
            (known, declared) => known.or(declared),
        };
        match length {
            Some(length) if offset + bytes.len() as u64 > length => {
                return Err(UploadError::PastTheEnd { length });
            }
            length => self.length = length,
        }
        self.content.extend_from_slice(bytes);
        Ok(())
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by = prop_oneof![
        2 => Just(By::Client),
        4 => Just(By::Relay { ago: 0 }),
        1 => (1i64..3).prop_map(|ago| By::Relay { ago }),
    ];
    let off_by = prop_oneof![6 => Just(0i64), 1 => -3i64..4];
    let length = prop_oneof![5 => Just(None), 1 => (0u64..60).prop_map(Some)];
    let append = (by, off_by, length, vec(any::<u8>(), 0..20))
        .prop_map(|(by, off_by, length, bytes)| Step::Append { by, off_by, length, bytes });
    vec(prop_oneof![20 => append, 1 => Just(Step::Terminate), 2 => Just(Step::Reopen)], 1..12)
}

/// Stores that can be closed and opened again.
struct Program {
    folder: TempDir,
    uploads: LocalUploads,
    budget: Budget,
}

impl Program {
    async fn start() -> Self {
        let (folder, budget) = (tempfile::tempdir().unwrap(), Budget::new(BUDGET));
        let uploads = Self::open(&folder, &budget).await;
        Self { folder, uploads, budget }
    }

    async fn open(folder: &TempDir, budget: &Budget) -> LocalUploads {
        let (catalog, blobs) = open_stores(folder.path()).await;
        backend(1, catalog, blobs, budget.clone())
    }

    async fn run(&mut self, length: Option<u64>, first: Vec<u8>, steps: Vec<Step>) {
        let (new, mut model) =
            (described(length), Model { length, epoch: Epoch::FIRST.0, ..Model::default() });
        let id = new.id;
        let call = Call::default();
        let created = self.uploads.create(&call, new, first_chunk(&first)).await;
        if length.is_some_and(|length| first.len() as u64 > length) {
            assert!(matches!(created, Err(UploadError::PastTheEnd { .. })), "{created:?}");
            return;
        }
        model.content = first;
        for step in steps {
            match step {
                Step::Append { by, off_by, length, bytes } => {
                    let writer = match by {
                        By::Client => Writer::Claims,
                        By::Relay { ago } => Writer::Holds(Epoch(model.epoch - ago)),
                    };
                    let offset = model.end().saturating_add_signed(off_by);
                    let append = Append { offset, writer, length, count: Some(bytes.len() as u64) };
                    let appended = self.uploads.append(&call, id, append, body(&bytes)).await;
                    let expected = model.append(&append, &bytes);
                    assert_eq!(told(appended.map(drop)), told(expected));
                }
                Step::Terminate => {
                    let expected = if model.removed { Err(UploadError::Gone) } else { Ok(()) };
                    assert_eq!(told(self.uploads.terminate(&call, id).await), told(expected));
                    model.removed = true;
                }
                Step::Reopen => self.uploads = Self::open(&self.folder, &self.budget).await,
            }
            self.check(id, &model).await;
        }
        self.check_content(id, model).await;
        assert_eq!(self.budget.free(), BUDGET as usize);
    }

    async fn check(&self, id: UploadId, model: &Model) {
        let stat = self.uploads.stat(&Call::default(), id).await;
        if model.removed {
            assert_eq!(told(stat.map(drop)), told(Err(UploadError::Gone)));
            return;
        }
        let upload = stat.unwrap();
        assert_eq!((upload.offset, upload.epoch.0, upload.length), (model.end(), model.epoch, model.length));
        let complete = model.length == Some(model.end());
        assert_eq!(upload.sha256, complete.then(|| sum(&model.content)));
        assert_eq!(upload.completed_at.is_some(), complete);
    }

    /// Brings what is missing, if there is anything, and reads it all.
    async fn check_content(&self, id: UploadId, mut model: Model) {
        if model.removed {
            return;
        }
        let call = Call::default();
        let length = model.length.unwrap_or(model.end());
        let rest = vec![b'.'; (length - model.end()) as usize];
        let last = Append { length: Some(length), ..claims(model.end()) };
        match model.append(&last, &rest) {
            Ok(()) => drop(self.uploads.append(&call, id, last, body(&rest)).await.unwrap()),
            Err(_complete) => {}
        }
        self.check(id, &model).await;
        let upload = self.uploads.stat(&call, id).await.unwrap();
        let reader = self.uploads.open(&call, &upload, 0..model.end()).await.unwrap();
        let pieces: Vec<Bytes> = reader.try_collect().await.unwrap();
        assert_eq!(pieces.concat(), model.content);
    }
}

/// All that a client is told.
fn told(outcome: Result<(), UploadError>) -> String {
    format!("{outcome:?}")
}

#[test]
fn an_upload_is_what_the_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let program = std::cell::RefCell::new(runtime.block_on(Program::start()));
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let length = prop_oneof![Just(None), (0u64..60).prop_map(Some)];
    let cases = (length, vec(any::<u8>(), 0..20), steps());
    let outcome = runner.run(&cases, |(length, first, steps)| {
        runtime.block_on(program.borrow_mut().run(length, first, steps));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
