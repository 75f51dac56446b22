use super::{Target, problem};
use crate::support::api::{put, text};
use crate::support::content::Content;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[test]
fn a_bad_query_is_400_and_names_the_parameter_and_what_is_allowed() {
    for target in Target::each() {
        put(target.url(), "a", Content::new(1, 10));
        let cursor = |json: &str| format!("cursor={}", URL_SAFE_NO_PAD.encode(json));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let cases = [
            "limit=0".to_owned(),
            "limit=-1".into(),
            "limit=1001".into(),
            "limit=99999999999999999999".into(),
            "limit=ten".into(),
            "sort=colour".into(),
            "sort=--name".into(),
            "sort=name%00".into(),
            "state=lost".into(),
            format!("q={}", "x".repeat(256)),
            "q=%00".into(),
            "cursor=nonsense".into(),
            "cursor=%ff%fe".into(),
            format!("cursor={}", "A".repeat(50_000)),
            cursor("{}"),
            cursor("[[[[[["),
            cursor(&"[".repeat(10_000)),
            cursor(&format!(r#"{{"n":"a","s":18446744073709551615,"i":"{id}"}}"#)),
            cursor(&format!(r#"{{"n":"a","s":-1,"i":"{id}"}}"#)),
            cursor(&format!(r#"{{"n":"\u0000","s":1,"i":"{id}"}}"#)),
            cursor(r#"{"n":"a","s":1,"i":"'; DROP TABLE uploads; --"}"#),
        ];
        for query in &cases {
            let answer = target.url().get(&format!("/api/uploads?{query}")).send();
            let said = problem(answer, 400, "bad_query");
            let parameter = query.split('=').next().unwrap();
            assert!(text(&said, "detail").starts_with(&format!("{parameter}: ")), "{query:.60}: {said}");
        }
        target.assert_unharmed(&["a"]);
    }
}

#[test]
fn a_strange_query_that_is_none_of_ours_is_passed_over() {
    for target in Target::each() {
        put(target.url(), "100%25%20_%20a", Content::new(1, 10));
        for query in
            ["%", "&&&=&=", "%zz=%zz", "limit=", "x=limit=0", "unheard=of", "limit=5&limit=6", "?", "q=%ff"]
        {
            target.url().get(&format!("/api/uploads?{query}")).send().expect(200);
        }
        // What means something to a database's LIKE means itself here.
        for (search, found) in [("%25", 1), ("_", 1), ("%25%25", 0), ("a%25", 0), ("'", 0)] {
            let list = target.url().get(&format!("/api/uploads?q={search}")).send().expect(200).json();
            assert_eq!(list["uploads"].as_array().unwrap().len(), found, "{search}");
        }
        target.assert_unharmed(&["100% _ a"]);
    }
}
