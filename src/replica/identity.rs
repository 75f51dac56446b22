use crate::domain::ContainerId;
use serde::{Deserialize, Serialize};

/// Who a replica is. The same fields everywhere: in the info endpoints, in heartbeats and in the list of replicas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub container_id: ContainerId,
    pub hostname: String,
    /// The Swarm node it runs on, out of `NODE_HOSTNAME`; `None` outside of a Swarm.
    pub node: Option<String>,
    /// Its number among the tasks of its service, out of `TASK_SLOT`; `None` outside of a Swarm.
    pub task_slot: Option<u32>,
    pub version: String,
}

impl Identity {
    /// Reads who this process is from its host name and from what the stack file put into its environment.
    pub fn of_this_process() -> Self {
        let hostname = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let container_id = hostname
            .parse()
            .ok()
            .or_else(container_id_from_mounts)
            .unwrap_or_else(|| ContainerId::from_bits(fastrand::u64(..)));
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            container_id,
            hostname,
            node: variable("NODE_HOSTNAME"),
            task_slot: variable("TASK_SLOT").and_then(|slot| slot.parse().ok()),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// An identity of its own for one of several replicas in one process.
    pub fn invented() -> Self {
        Self { container_id: ContainerId::from_bits(fastrand::u64(..)), ..Self::of_this_process() }
    }
}

/// Where `hostname` was set in the stack file it is not the container's id, but Docker still mounts `/etc/hostname` from a
/// folder named after it.
fn container_id_from_mounts() -> Option<ContainerId> {
    container_id_in(&std::fs::read_to_string("/proc/self/mountinfo").ok()?)
}

fn container_id_in(mountinfo: &str) -> Option<ContainerId> {
    let line = mountinfo.lines().find(|line| line.contains(" /etc/hostname "))?;
    let (_, rest) = line.split_once("/containers/")?;
    rest.get(..12)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_id_is_found_where_docker_mounts_the_host_name() {
        let mountinfo = "1 2 0:1 / / rw - overlay overlay rw\n\
            3 1 8:1 /var/lib/docker/containers/3f2a9c1d7b44aa00/hostname /etc/hostname rw - ext4 /dev/sda rw\n";
        assert_eq!(container_id_in(mountinfo).unwrap().as_str(), "3f2a9c1d7b44");
        assert!(container_id_in("1 2 0:1 / / rw - overlay overlay rw\n").is_none());
    }

    #[test]
    fn replicas_of_one_process_have_ids_of_their_own() {
        assert_ne!(Identity::invented().container_id, Identity::invented().container_id);
    }
}
