//! What nobody should send. Each of it gets a clear answer, or a closed connection where it is not HTTP, and leaves the service
//! as it was: alive, without a panic, without a record that should not be there, and with its memory free again.

mod interrupted;
mod lengths;
mod multipart;
mod names;
mod offsets;
mod queries;
mod ranges;
mod rubbish;
mod still_sending;
mod tus_headers;

use crate::support::api::{assert_stored, put, text};
use crate::support::client::{Answer, Url};
use crate::support::content::Content;
use crate::support::service::Service;
use crate::support::wait::until;
use serde_json::Value;

const MIB: u64 = 1 << 20;
/// The largest file that is taken. Twice the memory budget, so that a good upload of that size needs all of the budget.
const LIMIT: u64 = 8 * MIB;

const LIMITS: &[&str] = &["--memory-budget", "4MiB", "--max-upload-size", "8MiB"];

/// A service that is sent what nobody should send.
struct Target(Service);

impl Target {
    fn standalone() -> Self {
        Self(Service::standalone(LIMITS))
    }

    fn backend() -> Self {
        Self(Service::backend(LIMITS))
    }

    fn each() -> [Self; 2] {
        Service::each(LIMITS).map(Self)
    }

    fn url(&self) -> &Url {
        self.0.url()
    }

    fn request(&self, method: &str, path: &str) -> crate::support::client::Request {
        self.url().request(method, path)
    }

    /// The names of all uploads, complete or not, in order.
    fn names(&self) -> Vec<String> {
        let list = self.url().get("/api/uploads?state=all&limit=1000").send().expect(200).json();
        let uploads = list["uploads"].as_array().unwrap();
        let mut names: Vec<_> = uploads.iter().map(|upload| text(upload, "filename").to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// All is as if nothing had happened, but for uploads of these names, which the test has made.
    #[track_caller]
    fn assert_unharmed(&self, names: &[&str]) {
        self.url().get("/healthz").send().expect(200);
        // What was cut off is taken back after its connection has ended.
        until(format!("just {names:?} are left"), || (self.names() == names).then_some(()));
        let content = Content::new(7, LIMIT);
        let id = text(&put(self.url(), "good", content), "id").to_owned();
        assert_stored(self.url(), &id, content);
        self.request("DELETE", &format!("/api/uploads/{id}")).send().expect(204);
        for line in self.0.process.lines() {
            // The web framework logs strangers' nonsense as an error.
            let noise = line.contains("actix_http::h1");
            assert!(!line.contains("panicked") && (noise || !line.contains(" ERROR ")), "{line}");
        }
    }
}

/// An error is a problem that says which request it was, what is wrong and what can be done, and nothing of the inside.
#[track_caller]
fn problem(answer: Answer, status: u16, code: &str) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.field("Content-Type"), "application/problem+json", "{:?}", answer.head);
    let problem = answer.json();
    assert_eq!((text(&problem, "code"), &problem["status"]), (code, &status.into()), "{problem}");
    assert_eq!(text(&problem, "request_id"), answer.field("X-Request-Id"));
    for field in ["type", "title", "detail", "advice"] {
        assert!(!text(&problem, field).is_empty(), "{problem}");
    }
    let said = answer.text().to_lowercase();
    for inside in ["127.0.0.1", "/tmp", ".rs", "sql", "actix", "hyper", "tokio", "panic", "os error"] {
        assert!(!said.contains(inside), "{inside} in {said}");
    }
    problem
}
