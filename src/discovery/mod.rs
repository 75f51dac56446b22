//! Where the backends are: the trait [`Resolve`], and two ways to know it.
//!
//! On a Swarm `tasks.<service>` names the tasks themselves, healthy ones only. Docker's DNS says that its answers hold for ten
//! minutes; whoever honours that sends requests to tasks that left long ago. So names are looked up again each second and
//! nothing is cached here.

use async_trait::async_trait;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The system's resolver may wait many seconds for a name server that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds out which addresses there are now.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// The addresses, in no particular order. An error means that nothing new is known, not that there are none.
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>>;
}

/// A host name, of which each address is a replica. An IP address is its own only answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    pub host: String,
    pub port: u16,
}

#[async_trait]
impl Resolve for Dns {
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let answer = tokio::net::lookup_host((self.host.as_str(), self.port));
        let addresses =
            tokio::time::timeout(PATIENCE, answer).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(addresses.collect())
    }
}

/// Several sources together. One that fails hides none of the others.
pub struct Together(pub Vec<Box<dyn Resolve>>);

#[async_trait]
impl Resolve for Together {
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        let mut failure = None;
        for answer in futures_util::future::join_all(self.0.iter().map(|source| source.resolve())).await {
            match answer {
                Ok(found) => addresses.extend(found),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if addresses.is_empty() => Err(error),
            _ => Ok(addresses),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(host: &str) -> Box<dyn Resolve> {
        Box::new(Dns { host: host.into(), port: 8000 })
    }

    #[actix_web::test]
    async fn an_address_is_its_own_only_answer() {
        assert_eq!(dns("127.0.0.1").resolve().await.unwrap(), ["127.0.0.1:8000".parse().unwrap()]);
    }

    #[actix_web::test]
    async fn a_name_that_cannot_be_resolved_hides_no_other() {
        let unknown = || dns("no-such-name.invalid");
        let together = Together(vec![dns("127.0.0.2"), unknown(), dns("127.0.0.1")]);
        assert_eq!(together.resolve().await.unwrap().len(), 2);
        assert!(Together(vec![unknown()]).resolve().await.is_err());
    }
}
