use super::hub::{EVERY, REQUEST_ID};
use crate::domain::{Changed, Moment, News, Upload, UploadId};
use crate::http::Service;
use crate::protocol::changes::NewsRecords;
use crate::protocol::events::{self, Nothing, RELOAD, UPLOADS};
use std::collections::HashSet;
use std::time::Duration;

/// How often everybody may be told to fetch the list anew. So much changes then that there is no point in telling it in between.
const RELOADS_APART: Duration = Duration::from_secs(5);

/// Publishes what becomes of the list. Never ends.
pub(super) async fn follow(service: &Service) {
    let (mut since, mut told) = (None, Told::default());
    loop {
        // Where nobody could be asked the same is asked again.
        let pause = match service.changes.since(REQUEST_ID, since).await {
            Ok(Changed { upto, news }) => {
                since = Some(upto);
                match news {
                    Some(news) => {
                        let fresh = told.leave_out(news);
                        if !fresh.is_empty() {
                            service.events.uploads(news_event(upto, &fresh));
                        }
                        EVERY
                    }
                    None => {
                        service.events.uploads(reload_event(Some(upto)));
                        RELOADS_APART
                    }
                }
            }
            Err(_) => EVERY,
        };
        tokio::time::sleep(pause).await;
    }
}

pub(super) fn news_event(upto: Moment, news: &News) -> String {
    events::print(UPLOADS, Some(upto), &NewsRecords::from(news))
}

pub(super) fn reload_event(upto: Option<Moment>) -> String {
    events::print(RELOAD, upto, &Nothing {})
}

/// What was told by the last answer. The next one repeats of what was told ever only what is in it, since both look back from
/// about the same time.
#[derive(Default)]
struct Told {
    completed: HashSet<UploadId>,
    removed: HashSet<UploadId>,
}

impl Told {
    fn leave_out(&mut self, news: News) -> News {
        let now = Self {
            completed: news.completed.iter().map(|upload| upload.id).collect(),
            removed: news.removed.iter().copied().collect(),
        };
        let before = std::mem::replace(self, now);
        let News { mut completed, mut removed } = news;
        completed.retain(|upload: &Upload| !before.completed.contains(&upload.id));
        removed.retain(|id| !before.removed.contains(id));
        News { completed, removed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_told_once() {
        let ids: Vec<UploadId> = (0..3).map(|_| UploadId::mint()).collect();
        let answer = |ids: &[UploadId]| News { completed: Vec::new(), removed: ids.to_vec() };
        let mut told = Told::default();
        assert_eq!(told.leave_out(answer(&ids[..2])), answer(&ids[..2]));
        assert_eq!(told.leave_out(answer(&ids[..2])), News::default());
        assert_eq!(told.leave_out(answer(&ids[1..])), answer(&ids[2..]));
        assert_eq!(told.removed.len(), 2, "no more is remembered than the last answer");
    }
}
