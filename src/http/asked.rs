use crate::uploads::Call;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::ops::Deref;
use std::rc::Rc;

/// The [`Call`] that a request is, as the middleware [`super::trace`] made it.
#[derive(Clone, Debug, Default)]
pub struct Asked(pub Rc<Call>);

impl Deref for Asked {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.0
    }
}

impl FromRequest for Asked {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Asked>().cloned().unwrap_or_default()))
    }
}
