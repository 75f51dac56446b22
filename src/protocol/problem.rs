use super::code::{Code, Row};
use serde::{Deserialize, Serialize};

/// The body of every error: `application/problem+json` (RFC 9457), with `code` and what a program may want to know as
/// extension members (section 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: String,
    /// What is wrong with this very request. Never anything internal.
    pub detail: String,
    pub advice: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the upload stands, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The upload's length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The largest file taken, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How many bytes arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Which file of a form failed. Those before it are stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Which upload cannot be a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
}

pub const MEDIA_TYPE: &str = "application/problem+json";

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let Row { status, code, title, advice } = code.row();
        Self {
            kind: format!("urn:problem-type:swarm-upload:{code}"),
            title: title.into(),
            status,
            code: code.into(),
            detail: detail.into(),
            advice: advice.into(),
            request_id: None,
            offset: None,
            length: None,
            limit: None,
            received: None,
            file: None,
            part: None,
        }
    }

    /// The code, or the most general one of the status where a newer release speaks of one that this release does not
    /// know: during a rolling update they talk to each other.
    pub fn code(&self) -> Code {
        Code::parse(&self.code).unwrap_or_else(|| Code::for_status(self.status))
    }

    /// Reads what another replica answered. A body that is no problem (of a proxy between) says only its status.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_else(|_| {
            let code = Code::for_status(status);
            Self::new(code, code.row().title)
        })
    }

    pub fn to_json(&self) -> String {
        // A struct of strings and numbers has no way to fail; an empty body would still carry its status.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_read_back_as_it_was_printed() {
        let problem =
            Problem { offset: Some(7), ..Problem::new(Code::WrongOffset, "the upload is at offset 7") };
        assert_eq!(Problem::parse(409, problem.to_json().as_bytes()), problem);
    }

    #[test]
    fn an_unknown_code_or_body_is_understood_by_its_status() {
        let newer = Problem { code: "moved_on".into(), ..Problem::new(Code::Gone, "x") };
        assert_eq!(Problem::parse(410, newer.to_json().as_bytes()).code(), Code::Gone);
        assert_eq!(Problem::parse(503, b"<html>upstream</html>").code(), Code::Unavailable);
        assert_eq!(Problem::parse(418, b"").code(), Code::BadRequest);
        assert_eq!(Problem::parse(502, b"\xff").code(), Code::Internal);
    }

    #[test]
    fn the_edge_prints_problems_of_the_table() {
        let config = include_str!("../../nginx/nginx.conf");
        let bodies = config.lines().filter_map(|line| {
            let (_, body) = line.trim().strip_prefix("return ")?.split_once(" '")?;
            Some(body.trim_end_matches("\\n';").replace("\\'", "'"))
        });
        let problems: Vec<Problem> = bodies.map(|body| serde_json::from_str(&body).unwrap()).collect();
        assert_eq!(problems.len(), 3);
        for problem in problems {
            let table = Problem::new(problem.code(), problem.detail.clone());
            let expected = Problem { request_id: Some("$traced_id".into()), ..table };
            assert_eq!(problem, expected);
        }
    }
}
