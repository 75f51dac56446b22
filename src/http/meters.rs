//! The metrics of requests. A meter that is found by its labels costs more than all else that is done to count a request, so
//! each worker keeps those that it has found.

use crate::replica::Role;
use crate::telemetry::metrics::{
    HTTP_RECEIVED_BYTES, HTTP_REQUEST_SECONDS, HTTP_REQUESTS, HTTP_REQUESTS_IN_FLIGHT, HTTP_SENT_BYTES,
};
use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// Those of one role.
pub struct Meters {
    /// The role as metrics name it.
    pub role: &'static str,
    pub in_flight: Gauge,
    pub received_bytes: Counter,
    pub sent_bytes: Counter,
    answers: RefCell<HashMap<Kind, (Counter, Histogram)>>,
}

/// Requests that are counted together.
#[derive(PartialEq, Eq, Hash)]
struct Kind {
    method: &'static str,
    /// The pattern that the path matched, if any: metrics must not grow with the ids in paths.
    route: Option<String>,
    /// `None` if the client went away before there was an answer.
    status: Option<StatusCode>,
}

impl Meters {
    pub fn new(role: Role) -> Self {
        let role = match role {
            Role::Backend => "backend",
            Role::Frontend => "frontend",
        };
        Self {
            role,
            in_flight: metrics::gauge!(HTTP_REQUESTS_IN_FLIGHT, "role" => role),
            received_bytes: metrics::counter!(HTTP_RECEIVED_BYTES, "role" => role),
            sent_bytes: metrics::counter!(HTTP_SENT_BYTES, "role" => role),
            answers: RefCell::default(),
        }
    }

    /// A request was answered, or given up by its client.
    pub fn answered(
        &self,
        method: &Method,
        route: Option<String>,
        status: Option<StatusCode>,
        took: Duration,
    ) {
        let kind = Kind { method: method_label(method), route, status };
        let mut answers = self.answers.borrow_mut();
        let (requests, seconds) = match answers.get(&kind) {
            Some(known) => known,
            None => {
                let meters = kind.meters(self.role);
                answers.entry(kind).or_insert(meters)
            }
        };
        requests.increment(1);
        seconds.record(took);
    }
}

impl Kind {
    fn meters(&self, role: &'static str) -> (Counter, Histogram) {
        let route = self.route.clone().unwrap_or_else(|| "-".into());
        let status = self.status.map_or_else(|| "-".into(), |status| status.as_u16().to_string());
        let seconds = metrics::histogram!(HTTP_REQUEST_SECONDS, "role" => role, "route" => route.clone());
        let requests = metrics::counter!(
            HTTP_REQUESTS, "role" => role, "method" => self.method, "route" => route, "status" => status
        );
        (requests, seconds)
    }
}

/// Strangers may invent methods; metrics must not grow with them.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
