//! The hosts of a PostgreSQL URL, one by one.
//!
//! `tokio_postgres` tries them in order, too, but limits only how long each may take to accept: one that accepts and then says
//! nothing, as a frozen server does, would keep all others from being asked.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};

/// A configuration for each host of `config`, in the order in which to try them.
pub(super) fn each(config: &Config) -> Vec<Config> {
    let count = config.get_hosts().len().max(config.get_hostaddrs().len());
    let matches = |parts: usize| parts <= 1 || parts == count;
    let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    let sound = (hosts == 0 || hosts == count) && (addresses == 0 || addresses == count);
    if count <= 1 || !sound || !matches(config.get_ports().len()) {
        // Nothing to take apart, or something that `tokio_postgres` knows better how to refuse.
        return vec![config.clone()];
    }
    let mut order: Vec<usize> = (0..count).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        fastrand::shuffle(&mut order);
    }
    order.into_iter().map(|host| only(config, host)).collect()
}

/// All that `config` says, of one of its hosts: a configuration can be given hosts and not rid of them.
fn only(config: &Config, host: usize) -> Config {
    let mut one = Config::new();
    match config.get_hosts().get(host) {
        Some(Host::Tcp(name)) => {
            one.host(name);
        }
        Some(Host::Unix(path)) => {
            one.host_path(path);
        }
        None => {}
    }
    if let Some(value) = config.get_hostaddrs().get(host) {
        one.hostaddr(*value);
    }
    if let Some(value) = config.get_ports().get(host).or(config.get_ports().first()) {
        one.port(*value);
    }
    if let Some(value) = config.get_user() {
        one.user(value);
    }
    if let Some(value) = config.get_password() {
        one.password(value);
    }
    if let Some(value) = config.get_dbname() {
        one.dbname(value);
    }
    if let Some(value) = config.get_options() {
        one.options(value);
    }
    if let Some(value) = config.get_application_name() {
        one.application_name(value);
    }
    if let Some(value) = config.get_connect_timeout() {
        one.connect_timeout(*value);
    }
    if let Some(value) = config.get_tcp_user_timeout() {
        one.tcp_user_timeout(*value);
    }
    if let Some(value) = config.get_keepalives_interval() {
        one.keepalives_interval(value);
    }
    if let Some(value) = config.get_keepalives_retries() {
        one.keepalives_retries(value);
    }
    one.keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Config {
        url.parse().unwrap()
    }

    /// Whatever a URL can say, each host's part says.
    #[test]
    fn each_host_keeps_everything_but_the_other_hosts() {
        let rest = "db?application_name=a&options=-c%20geqo%3Doff&sslmode=require&sslnegotiation=direct&connect_timeout=7\
             &tcp_user_timeout=8&keepalives=0&keepalives_idle=9&keepalives_interval=10&keepalives_retries=11\
             &target_session_attrs=read-write&channel_binding=require";
        let all = parsed(&format!("postgres://u:p@one:1,%2Fsocket:2,three:3/{rest}"));
        let alone = [("one", 1), ("%2Fsocket", 2), ("three", 3)];
        let alone = alone.map(|(host, port)| parsed(&format!("postgres://u:p@{host}:{port}/{rest}")));
        assert_eq!(each(&all), alone);
    }

    #[test]
    fn one_port_and_addresses_beside_names_hold_for_each() {
        let all = parsed("host=a,b hostaddr=10.0.0.1,10.0.0.2 port=7 user=u");
        let alone = ["host=a hostaddr=10.0.0.1 port=7 user=u", "host=b hostaddr=10.0.0.2 port=7 user=u"];
        assert_eq!(each(&all), alone.map(parsed));
    }

    #[test]
    fn hosts_may_be_tried_in_any_order() {
        let all = parsed("host=a,b,c,d user=u load_balance_hosts=random");
        let firsts: std::collections::HashSet<_> =
            (0..200).map(|_| format!("{:?}", each(&all)[0].get_hosts())).collect();
        assert_eq!(firsts.len(), 4);
    }

    #[test]
    fn what_does_not_fit_together_is_left_to_be_refused() {
        for text in
            ["user=u", "host=a user=u", "host=a,b hostaddr=10.0.0.1 user=u", "host=a,b,c port=1,2 user=u"]
        {
            assert_eq!(each(&parsed(text)), [parsed(text)], "{text}");
        }
    }
}
