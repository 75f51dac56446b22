use std::fmt;
use std::str::FromStr;

/// The id of the container that a replica runs in: twelve lower-case hexadecimal digits, as `docker ps` prints them.
///
/// Outside of a container a replica makes one up, so that every replica can be told apart in the same way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId([u8; 12]);

#[derive(Debug, thiserror::Error)]
#[error("a container id is 12 lower-case hexadecimal digits")]
pub struct InvalidContainerId;

impl ContainerId {
    /// Makes an id from 48 random bits, for a replica that runs outside of a container.
    pub fn from_bits(bits: u64) -> Self {
        let mut digits = [0; 12];
        for (i, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(bits >> (4 * i)) as usize & 15];
        }
        Self(digits)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for ContainerId {
    type Err = InvalidContainerId;

    fn from_str(text: &str) -> Result<Self, InvalidContainerId> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| InvalidContainerId)?;
        match digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')) {
            true => Ok(Self(digits)),
            false => Err(InvalidContainerId),
        }
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContainerId({})", self.as_str())
    }
}

impl serde::Serialize for ContainerId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for ContainerId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_docker_ps_prints_is_a_container_id() {
        assert!("3f2a9c1d7b44".parse::<ContainerId>().is_ok());
        for bad in ["", "3f2a9c1d7b4", "3f2a9c1d7b444", "3F2A9C1D7B44", "3f2a9c1d7bg4", "éééééé"] {
            assert!(bad.parse::<ContainerId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_invented_id_is_a_valid_one() {
        let id = ContainerId::from_bits(0x0123_4567_89ab);
        assert_eq!(id.as_str().parse::<ContainerId>().unwrap(), id);
        assert_ne!(id, ContainerId::from_bits(0x0123_4567_89ac));
    }
}
