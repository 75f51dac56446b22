//! Equal content is stored once: an upload that becomes complete takes over the extents of one that has the same digest and
//! length, its twin, and gives its own bytes up. All inside of the transaction that completes it: the extents of a complete
//! upload never change.
//!
//! A twin that is found stays until this transaction ends, for its removal waits for us; so each of its blobs is referred to
//! until then, and from then on by us too. One that is being removed already is locked, and passed over.
//!
//! Of two that become complete at once neither sees the other. So who finds no twin stores its bytes, waits for its turn
//! among those of equal content, and looks once more; one whose bytes are stored already looks only then ([`super::at_once`]).
//! Everybody changes the record and all that goes with it in turn, so that no two wait for one another. Should the one before
//! it hang there, it waits no longer than for any lock, and its turn comes when the database ends that one's session.
//!
//! One that lies in very many pieces is nobody's twin: taking them over would cost more than it saves, and time that nobody has.

use super::queries;
use crate::db::Error;
use crate::domain::Sha256Sum;
use deadpool_postgres::Transaction;
use futures_util::future::{join, join_all};
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// What two complete uploads have in common that share their bytes.
pub(super) struct Content {
    sha256: Sha256Sum,
    length: i64,
}

impl Content {
    /// Nothing is shared that is empty.
    pub(super) fn of(length: i64, sha256: Option<Sha256Sum>) -> Option<Self> {
        sha256.filter(|_| length > 0).map(|sha256| Self { sha256, length })
    }

    /// The number of the lock for which those of equal content wait. Others that share it wait without need.
    pub(super) fn turn(&self) -> i64 {
        let mut number = [0; 8];
        number.copy_from_slice(&self.sha256.0[..8]);
        i64::from_be_bytes(number)
    }
}

/// What an upload shares, or nothing: it is not yet complete, or empty, or has no twin.
pub(super) struct Sharing {
    steps: Option<Steps>,
    twin: Option<Uuid>,
}

struct Steps {
    upload: Uuid,
    content: Content,
    find_twin: Statement,
    take_turn: Statement,
    hold_blobs: Statement,
    refer_to_blobs: Statement,
    release_blobs: Statement,
    delete_extents: Statement,
    copy_extents: Statement,
    disown_blob: Statement,
}

impl Sharing {
    /// Everything is prepared here, so that what is sent together later goes out in order.
    pub(super) async fn prepare(
        transaction: &Transaction<'_>,
        upload: Uuid,
        content: Option<Content>,
    ) -> Result<Self, Error> {
        let steps = match content {
            Some(content) => Some(Steps {
                upload,
                content,
                find_twin: transaction.prepare_cached(queries::FIND_TWIN).await?,
                take_turn: transaction.prepare_cached(queries::TAKE_TURN).await?,
                hold_blobs: transaction.prepare_cached(queries::HOLD_BLOBS).await?,
                refer_to_blobs: transaction.prepare_cached(queries::REFER_TO_BLOBS).await?,
                release_blobs: transaction.prepare_cached(queries::RELEASE_BLOBS).await?,
                delete_extents: transaction.prepare_cached(queries::DELETE_EXTENTS).await?,
                copy_extents: transaction.prepare_cached(queries::COPY_EXTENTS).await?,
                disown_blob: transaction.prepare_cached(queries::DISOWN_BLOB).await?,
            }),
            None => None,
        };
        Ok(Self { steps, twin: None })
    }

    /// Whether there is a twin, and so nothing to store.
    pub(super) fn has_twin(&self) -> bool {
        self.twin.is_some()
    }

    /// Looks for a twin.
    pub(super) async fn look(&mut self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        if let Some(steps) = &self.steps {
            self.twin = steps.find_twin(transaction).await?;
        }
        Ok(())
    }

    /// Waits until those of equal content that came before have committed or given up, and looks once more, if there was no
    /// twin. Who has one waits, too: else it could go just when this is committed, and who looks meanwhile would find neither.
    pub(super) async fn look_in_turn(
        &mut self,
        transaction: &Transaction<'_>,
    ) -> Result<(), tokio_postgres::Error> {
        let Some(steps) = &self.steps else { return Ok(()) };
        let number = steps.content.turn();
        let turn: [&(dyn ToSql + Sync); 1] = [&number];
        // Sent together, and yet the second sees what was committed until the first was through.
        let (waited, twin) = join(transaction.execute(&steps.take_turn, &turn), async {
            match self.twin {
                Some(twin) => Ok(Some(twin)),
                None => steps.find_twin(transaction).await,
            }
        })
        .await;
        waited?;
        self.twin = twin?;
        Ok(())
    }

    /// Takes over what the twin has, if there is one, instead of all that the upload has by then.
    pub(super) async fn share(&self, transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
        let (Some(steps), Some(twin)) = (&self.steps, &self.twin) else { return Ok(()) };
        let (upload, both) = (&steps.upload, &vec![steps.upload, *twin]);
        let steps: [(&Statement, &[&(dyn ToSql + Sync)]); 6] = [
            (&steps.hold_blobs, &[both]),
            (&steps.refer_to_blobs, &[twin]),
            (&steps.release_blobs, &[upload]),
            (&steps.delete_extents, &[upload]),
            (&steps.copy_extents, &[upload, twin]),
            (&steps.disown_blob, &[upload]),
        ];
        let steps = steps.into_iter().map(|(statement, values)| transaction.execute(statement, values));
        join_all(steps).await.into_iter().try_for_each(|step| step.map(drop))
    }
}

impl Steps {
    async fn find_twin(&self, transaction: &Transaction<'_>) -> Result<Option<Uuid>, tokio_postgres::Error> {
        let sha256 = self.content.sha256.0.as_slice();
        let values: [&(dyn ToSql + Sync); 3] = [&sha256, &self.content.length, &self.upload];
        transaction.query_opt(&self.find_twin, &values).await?.map(|row| row.try_get(0)).transpose()
    }
}
