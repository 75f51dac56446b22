use crate::http::Refused;
use crate::protocol::code::Code;
use actix_web::http::header::{AcceptLanguage, COOKIE, HeaderMap, LOCATION, Preference, Quality, SET_COOKIE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};

/// What a visitor has chosen. The page's script reads and writes it, too.
const CHOICE: &str = "language";
const YEAR_SECONDS: u32 = 365 * 24 * 60 * 60;

/// A language that the page speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Portuguese,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::Portuguese];

    /// As in the page's `lang`, and in the name of the file with its texts.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Portuguese => "pt-BR",
        }
    }

    /// As those who speak it call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Portuguese => "Português",
        }
    }

    /// What the visitor has chosen, else what the browser would like best, else English.
    pub fn of(request: &HttpRequest) -> Self {
        let header = || request.get_header::<AcceptLanguage>();
        chosen(request.headers()).or_else(|| preferred(header()?)).unwrap_or(Self::English)
    }

    fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// Any kind of it will do: those of Portugal read the Portuguese of Brazil rather than English.
    fn from_primary(subtag: &str) -> Option<Self> {
        let is_primary = |own: &str| own.eq_ignore_ascii_case(subtag);
        Self::ALL.into_iter().find(|language| language.tag().split('-').next().is_some_and(is_primary))
    }
}

fn chosen(headers: &HeaderMap) -> Option<Language> {
    headers.get_all(COOKIE).find_map(|line| {
        // Other programs on this host may have set cookies of any bytes.
        let line = String::from_utf8_lossy(line.as_bytes());
        let mut named = line.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        named.find_map(|(name, tag)| if name == CHOICE { Language::from_tag(tag) } else { None })
    })
}

fn preferred(header: AcceptLanguage) -> Option<Language> {
    let mut ranges = header.0;
    ranges.retain(|range| range.quality > Quality::ZERO);
    // The sort is stable: of those equally good the first is meant.
    ranges.sort_by_key(|range| std::cmp::Reverse(range.quality));
    ranges.iter().find_map(|range| match &range.item {
        Preference::Any => Some(Language::English),
        Preference::Specific(tag) => Language::from_primary(tag.primary_language()),
    })
}

/// `GET /language/{tag}`: shows the page in that language from now on.
pub async fn choose(tag: web::Path<String>) -> Result<HttpResponse, Refused> {
    let Some(language) = Language::from_tag(&tag) else {
        let tags = Language::ALL.map(Language::tag).join(", ");
        return Err(Refused::new(Code::NotFound, format!("the page speaks {tags}")));
    };
    // Not HttpOnly: the script changes the language without loading the page again.
    let cookie = format!("{CHOICE}={}; Path=/; Max-Age={YEAR_SECONDS}; SameSite=Lax", language.tag());
    Ok(HttpResponse::SeeOther().insert_header((SET_COOKIE, cookie)).insert_header((LOCATION, "/")).finish())
}

#[cfg(test)]
mod tests {
    use super::Language::{English, Portuguese};
    use super::*;
    use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderName, HeaderValue};
    use actix_web::test::TestRequest;

    fn of(fields: &[(HeaderName, &str)]) -> Language {
        let request = fields.iter().fold(TestRequest::default(), |request, (name, value)| {
            request.append_header((name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()))
        });
        Language::of(&request.to_http_request())
    }

    #[test]
    fn the_browser_gets_what_it_likes_best_of_what_there_is() {
        for (accepted, language) in [
            ("pt", Portuguese),
            ("pt-BR", Portuguese),
            ("PT-pt", Portuguese),
            ("en-GB", English),
            ("de", English),
            ("de, pt;q=0.5", Portuguese),
            ("en;q=0.8, pt-BR;q=0.9", Portuguese),
            ("pt;q=0.8,en;q=0.8", Portuguese),
            ("en,pt", English),
            ("pt;q=0", English),
            ("pt;q=0, en;q=0", English),
            ("de, *;q=0.1, pt;q=0.05", English),
            ("", English),
            (";;,=q", English),
            ("x, pt;q=2, pt;q=0.1", Portuguese),
        ] {
            assert_eq!(of(&[(ACCEPT_LANGUAGE, accepted)]), language, "{accepted}");
        }
        assert_eq!(of(&[]), English);
    }

    #[test]
    fn what_was_chosen_counts_before_what_the_browser_likes() {
        for (cookie, language) in [
            ("language=en", English),
            ("language=EN", English),
            ("a=b; language=en", English),
            ("mylanguage=en; languages=en; language", Portuguese),
            ("language=fr", Portuguese),
            ("language=fr; language=en", English),
            ("name=Jo\u{e3}o;language=en", English),
            ("language=", Portuguese),
            ("", Portuguese),
        ] {
            assert_eq!(of(&[(COOKIE, cookie), (ACCEPT_LANGUAGE, "pt-BR")]), language, "{cookie}");
        }
        let twice = [(COOKIE, "a=b"), (COOKIE, "language=pt-BR")];
        assert_eq!(of(&twice), Portuguese);
    }
}
