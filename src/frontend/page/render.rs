use super::files::{Pages, is_template};
use super::human;
use super::language::Language;
use super::strings::{Strings, fill};
use crate::domain::{ContainerId, Listing, Page, Upload};
use crate::http::Service;
use crate::protocol::listing;
use crate::protocol::problem::Problem;
use crate::uploads::Call;
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

const TEMPLATE: &str = "index.html";

/// What the template is given.
#[derive(Serialize)]
struct Shown<'a> {
    language: &'static str,
    languages: [Choice; Language::ALL.len()],
    /// The texts in that language.
    t: &'a Strings,
    /// Where the page's files are.
    assets: String,
    uploads: Vec<Row>,
    /// Where the list goes on.
    next: Option<String>,
    search: &'a str,
    sort: String,
    /// No backend answers, so the list is not known.
    unavailable: bool,
    max_upload_size: String,
    max_upload_size_bytes: u64,
    frontend: ContainerId,
    backend: Option<ContainerId>,
    version: &'static str,
    error: Option<Failure<'a>>,
}

#[derive(Serialize)]
struct Choice {
    tag: &'static str,
    name: &'static str,
    current: bool,
}

#[derive(Serialize)]
struct Row {
    id: String,
    filename: String,
    size: String,
    created: String,
    created_at: String,
    url: String,
    content_url: String,
}

/// What the visitor asked for and did not get.
#[derive(Serialize)]
struct Failure<'a> {
    title: &'a str,
    detail: &'a str,
    advice: &'a str,
    /// Of the title and the advice.
    language: &'static str,
    code: &'a str,
    request_id: &'a str,
    /// Which file of a form it was.
    file: Option<&'a str>,
}

/// What is to be seen.
pub struct View<'a> {
    pub language: Language,
    pub listing: &'a Listing,
    /// None if it is not known.
    pub page: Option<&'a Page>,
    pub error: Option<&'a Problem>,
}

/// The page as HTML. An error is for the log.
pub fn render(service: &Service, pages: &Pages, call: &Call, view: &View<'_>) -> Result<String, String> {
    let View { language, listing, page, error } = *view;
    let strings = Strings::read(pages, language)?;
    let uploads = page.map(|page| page.uploads.iter().map(|upload| Row::new(upload, language)).collect());
    let next = page.and_then(|page| page.next.clone()).map(|cursor| {
        let next = Listing { after: Some(cursor), ..listing.clone() };
        format!("/?{}", listing::print(&next))
    });
    let problems = Strings::of_problems(pages, language)?;
    let shown = Shown {
        language: language.tag(),
        languages: Language::ALL.map(|each| Choice {
            tag: each.tag(),
            name: each.name(),
            current: each == language,
        }),
        t: &strings,
        assets: pages.assets(),
        uploads: uploads.unwrap_or_default(),
        next,
        search: &listing.search,
        sort: listing::print_sort(listing.sort, listing.descending),
        unavailable: page.is_none(),
        max_upload_size: human::size(service.max_upload_size, language),
        max_upload_size_bytes: service.max_upload_size,
        frontend: service.replica.identity.container_id,
        backend: call.backend.get(),
        version: env!("CARGO_PKG_VERSION"),
        error: error.map(|problem| Failure::new(problem, &problems, language, &call.request_id)),
    };
    let templates = templates(pages.clone());
    let template = templates.get_template(TEMPLATE).map_err(|error| error.to_string())?;
    template.render(Value::from(Serde(&shown))).map_err(|error| error.to_string())
}

/// Read anew for each page, which takes less time than asking a backend for the list: one works on them.
fn templates(pages: Pages) -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_loader(move |name| Ok(pages.read_text(name).filter(|_| is_template(name))));
    templates.add_filter("fill", fill);
    templates
}

impl Row {
    fn new(upload: &Upload, language: Language) -> Self {
        Self {
            id: upload.id.to_string(),
            filename: upload.filename.to_string(),
            size: human::size(upload.offset, language),
            created: human::time(upload.created_at),
            created_at: upload.created_at.format(&Rfc3339).unwrap_or_default(),
            url: format!("/api/uploads/{}", upload.id),
            content_url: format!("/api/uploads/{}/content", upload.id),
        }
    }
}

impl<'a> Failure<'a> {
    /// Problems are written in English; the page knows what they are called in its language, but not their details.
    fn new(problem: &'a Problem, problems: &'a Strings, language: Language, request_id: &'a str) -> Self {
        let known = |member: &str| problems.get(&format!("problem_{}_{member}", problem.code));
        let (title, advice) = (known("title"), known("advice"));
        Self {
            title: title.unwrap_or(&problem.title),
            detail: &problem.detail,
            advice: advice.unwrap_or(&problem.advice),
            language: if title.is_some() { language } else { Language::English }.tag(),
            code: &problem.code,
            request_id,
            file: problem.file.as_deref(),
        }
    }
}
