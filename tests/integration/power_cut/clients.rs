use crate::support::api::{Tus, assert_stored, text};
use crate::support::client::Url;
use crate::support::content::Content;
use crate::support::wait::Watched;
use std::thread;

/// What clients were told is stored.
#[derive(Default)]
pub struct Acknowledged {
    complete: Vec<(String, Content)>,
    /// With its offset.
    begun: Vec<(Tus, Content, u64)>,
    answers: u64,
}

impl Acknowledged {
    /// All of it is there, and what was not complete can be completed.
    #[track_caller]
    pub fn assert_kept(&self, at: &Url) {
        for (id, content) in &self.complete {
            assert_stored(at, id, *content);
        }
        for (upload, content, acknowledged) in &self.begun {
            let offset = upload.offset(at);
            assert!(offset >= *acknowledged, "{offset} is left of {acknowledged} in {}", upload.path);
            upload.finish(at, *content);
            assert_stored(at, upload.id(), *content);
        }
    }
}

/// Two clients that PUT files and two that send tus uploads in small parts, one after the other, until `cut` ends the
/// replicas: after a number of answers that `seed` decides.
pub fn upload_until(seed: u64, urls: &[Url], cut: impl FnOnce()) -> Acknowledged {
    let told = Watched::<Acknowledged>::default();
    let enough = fastrand::Rng::with_seed(seed).u64(8..40);
    thread::scope(|scope| {
        for client in 0..4 {
            let (told, url) = (&told, &urls[client % urls.len()]);
            let mut random = fastrand::Rng::with_seed(seed * 4 + client as u64);
            scope.spawn(move || match client < 2 {
                true => while put(url, &mut random, told).is_some() {},
                false => while send_in_parts(url, &mut random, told).is_some() {},
            });
        }
        told.wait_until("enough answers", |told| told.answers >= enough);
        cut();
    });
    told.change(std::mem::take)
}

/// `None`: no answer any more.
fn put(at: &Url, random: &mut fastrand::Rng, told: &Watched<Acknowledged>) -> Option<()> {
    let content = Content::new(random.u64(..), random.u64(1..3_000_000));
    let request = at.request("PUT", "/api/uploads/whole");
    let answer = request.try_send_body(content.length, content.reader(0..content.length)).ok()?.expect(201);
    told.change(|told| {
        told.complete.push((text(&answer.json()["uploads"][0], "id").to_owned(), content));
        told.answers += 1;
    });
    Some(())
}

fn send_in_parts(at: &Url, random: &mut fastrand::Rng, told: &Watched<Acknowledged>) -> Option<()> {
    let content = Content::new(random.u64(..), random.u64(500_000..3_000_000));
    let upload = Tus::try_create(at, content.length).ok()?;
    let own = told.change(|told| {
        told.begun.push((upload.clone(), content, 0));
        told.answers += 1;
        told.begun.len() - 1
    });
    let mut offset = 0;
    while offset < content.length {
        let end = content.length.min(offset + random.u64(1..400_000));
        let answer = upload.append(at, content, offset..end).ok()?.expect(204);
        offset = answer.field("Upload-Offset").parse().unwrap();
        assert_eq!(offset, end);
        told.change(|told| {
            told.begun[own].2 = offset;
            told.answers += 1;
        });
    }
    Some(())
}
