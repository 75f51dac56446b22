//! How a server listens: what actix-web's own `HttpServer` does, but that connections are [`Paced`].

use super::descriptors;
use super::paced::Paced;
use actix_http::{HttpService, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::net::TcpSocket;

/// Longer than nginx's upstream (60 s) and awc's (15 s), so that it is never the server that closes an idle connection under
/// a proxy's hands.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long the head of a request may take.
const HEAD: Duration = Duration::from_secs(30);
/// How long what a client still sends is read and dropped when its answer is out already. A client that reads the answer only
/// after it has sent all it has would not see it if the connection were closed at once: it would be reset.
const LINGER: Duration = Duration::from_secs(10);
const BACKLOG: u32 = 2048;
/// How much of an answer is gathered before it is handed to the kernel. Several pieces of a download go together: what each call
/// costs in the kernel and wakes on the other side is much.
const SENT_AT_ONCE: usize = 64 << 10;

/// Listens on `address`; port 0 is a free one.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Else a replica that starts anew would have to wait for the end of connections that are closed.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves what `app` makes, in as many workers as there are processors.
pub(super) fn serve<F, I, S, B>(listener: TcpListener, grace: Duration, app: F) -> io::Result<Server>
where
    F: Fn() -> I + Clone + Send + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let builder = ServerBuilder::new()
        .workers(workers)
        .max_concurrent_connections(descriptors::connections_of_a_worker(workers))
        .shutdown_timeout(grace.as_secs().max(1))
        .disable_signals();
    let ends = builder.graceful_shutdown_signal();
    let address = listener.local_addr()?;
    let connections = move || {
        let ends = ends.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let ends = ends.clone();
                async move { ends.notified().await }
            })
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(LINGER)
            .h1_write_buffer_size(SENT_AT_ONCE)
            .local_addr(address)
            .on_connect_ext(|connection: &Paced, extensions| {
                extensions.insert(connection.demand());
            });
        let app = app().into_factory().map_err(|error| error.into().error_response());
        // What the default says of the host is for URLs that are made of routes, of which there are none here.
        fn_service(accept).and_then(http.h1(map_config(app, |()| AppConfig::default())))
    };
    Ok(builder.listen("http", listener, connections)?.run())
}

async fn accept(stream: TcpStream) -> Result<(Paced, Option<SocketAddr>), actix_http::error::DispatchError> {
    // Else the end of an answer of several writes waits until the other side has acknowledged what came before, and that takes
    // its time: 40 ms on Linux. A connection that is dead already says so when it is read.
    stream.set_nodelay(true).ok();
    let peer = stream.peer_addr().ok();
    Ok((Paced::new(stream), peer))
}
