//! Where the backends are: the trait [`Resolve`], and two ways to know it.
//!
//! On a Swarm `tasks.<service>` names the tasks themselves, healthy ones only. Docker's DNS says that its answers hold for ten
//! minutes; whoever honours that sends requests to tasks that left long ago. So names are looked up again each second and
//! nothing is cached here.

use async_trait::async_trait;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
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

/// Several sources together. Of one that fails what it said last holds: an error says nothing new.
pub struct Together(Vec<Source>);

struct Source {
    resolve: Box<dyn Resolve>,
    last: Mutex<Vec<SocketAddr>>,
}

impl Together {
    pub fn new(sources: impl IntoIterator<Item = Box<dyn Resolve>>) -> Self {
        Self(sources.into_iter().map(|resolve| Source { resolve, last: Mutex::default() }).collect())
    }
}

#[async_trait]
impl Resolve for Together {
    async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let mut addresses = Vec::new();
        let mut failure = None;
        let answers =
            futures_util::future::join_all(self.0.iter().map(|source| source.resolve.resolve())).await;
        for (source, answer) in self.0.iter().zip(answers) {
            let mut last = source.last.lock().unwrap_or_else(PoisonError::into_inner);
            match answer {
                Ok(found) => *last = found,
                Err(error) => failure = Some(error),
            }
            addresses.extend(last.iter());
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
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

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
        let together = Together::new([dns("127.0.0.2"), unknown(), dns("127.0.0.1")]);
        assert_eq!(together.resolve().await.unwrap().len(), 2);
        assert!(Together::new([unknown()]).resolve().await.is_err());
    }

    /// Answers once.
    struct Once(AtomicBool);

    #[async_trait]
    impl Resolve for Once {
        async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
            match self.0.swap(true, Relaxed) {
                false => Ok(vec!["127.0.0.3:8000".parse().unwrap()]),
                true => Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    #[actix_web::test]
    async fn what_a_source_said_last_holds_while_it_fails() {
        let once = Box::new(Once(AtomicBool::new(false)));
        let together = Together::new([dns("127.0.0.1"), once]);
        for _ in 0..2 {
            assert_eq!(together.resolve().await.unwrap().len(), 2);
        }
    }
}
