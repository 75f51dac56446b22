use async_trait::async_trait;

/// Statements that another room adds to a transaction: they take effect with it or not at all.
#[async_trait]
pub trait TransactionPart: Send {
    async fn run(
        &self,
        transaction: &deadpool_postgres::Transaction<'_>,
    ) -> Result<(), tokio_postgres::Error>;
}
