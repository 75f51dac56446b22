use super::*;
use proptest::prelude::*;

const TYPE: &str = "multipart/form-data; boundary=XX";

/// A file of the form, or what of the form is wrong.
type Files = Result<Vec<(Part, Vec<u8>)>, BadForm>;

/// The parts of a body that comes in the given pieces.
fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Files {
    let mut splitter = Splitter::new(TYPE)?;
    let (mut parts, mut open) = (Vec::new(), false);
    for piece in pieces {
        splitter.feed(Bytes::copy_from_slice(piece));
        while let Some(event) = splitter.next_event()? {
            match event {
                Event::Part(part) => {
                    assert!(!std::mem::replace(&mut open, true));
                    parts.push((part, Vec::new()));
                }
                Event::Bytes(bytes) => {
                    assert!(open && !bytes.is_empty());
                    parts.last_mut().unwrap().1.extend_from_slice(&bytes);
                }
                Event::End => assert!(std::mem::replace(&mut open, false)),
            }
        }
    }
    splitter.finish().map(|()| parts)
}

fn whole(body: &str) -> Files {
    split([body.as_bytes()])
}

fn part(content: &str) -> String {
    format!("--XX\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n{content}\r\n")
}

fn contents(body: &str) -> Vec<String> {
    let parts = whole(body).unwrap();
    parts.into_iter().map(|(_, content)| String::from_utf8(content).unwrap()).collect()
}

#[test]
fn parts_end_at_whole_delimiter_lines_and_nowhere_else() {
    for content in [
        "",
        "abc",
        "\r\n",
        "\r\n--XXY\r\n",
        "\r\n--X",
        "--XX\r\n",
        "\r\n--XX-\r\n",
        "\r\n--XX--tail",
        "\r\r\n--\r",
    ] {
        let body = format!("{}{}--XX--\r\n", part(content), part("next"));
        assert_eq!(contents(&body), [content, "next"], "{content:?}");
    }
}

#[test]
fn what_stands_before_the_first_delimiter_and_after_the_last_is_passed_over() {
    assert_eq!(contents(&format!("preamble --XX\r\n{}--XX-- \r\nepilogue\r\n--XX\r\n", part("a"))), ["a"]);
    assert_eq!(contents(&format!("--XX \t\r\n{}--XX--", &part("a")[6..])), ["a"]);
    assert_eq!(contents("--XX--"), [""; 0]);
}

#[test]
fn a_length_in_the_head_of_a_part_counts_for_nothing() {
    let body = format!("{}--XX--", part("abcdef").replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n"));
    assert_eq!(contents(&body), ["abcdef"]);
}

#[test]
fn a_form_that_ends_anywhere_before_its_end_is_unfinished() {
    let body = format!("{}{}--XX--", part("abc"), part("d"));
    for end in 0..body.len() {
        assert_eq!(whole(&body[..end]), Err(BadForm::Unfinished), "{:?}", &body[..end]);
    }
    assert!(whole(&body).is_ok());
}

#[test]
fn a_name_may_be_any_bytes() {
    let body = b"--XX\r\nContent-Disposition: form-data; name=f; filename=\"a\0\xff\\\\b\"\r\n\r\n\r\n--XX--";
    assert_eq!(split([&body[..]]).unwrap()[0].0.filename.as_deref(), Some(&b"a\0\xff\\b"[..]));
}

#[test]
fn a_part_that_is_no_field_of_a_form_is_malformed() {
    for head in [
        "",
        "X: y\r\n",
        "no header\r\n",
        "Content-Disposition: attachment; name=f; filename=a\r\n",
        "Content-Disposition: form-data; filename=a\r\n",
        "Content-Disposition: form-data; name=f\r\nContent-Type: Multipart/mixed; boundary=YY\r\n",
    ] {
        let split = whole(&format!("--XX\r\n{head}\r\nabc\r\n--XX--"));
        assert!(matches!(split, Err(BadForm::Malformed(_))), "{head:?}: {split:?}");
    }
}

#[test]
fn a_head_without_end_is_malformed_and_not_held() {
    let line = "X: y\r\n".repeat(1000);
    let lines = std::iter::once("--XX\r\n").chain(std::iter::repeat_n(line.as_str(), 1000));
    assert!(matches!(split(lines.map(str::as_bytes)), Err(BadForm::Malformed(_))));
}

#[test]
fn a_content_type_must_name_a_boundary() {
    let long = format!("multipart/form-data; boundary={}", "x".repeat(257));
    for bad in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"a\tb\"",
        &long,
    ] {
        assert!(Splitter::new(bad).is_err(), "{bad}");
    }
    assert!(Splitter::new("multipart/form-data; charset=utf-8; Boundary=\"a b\"").is_ok());
}

proptest! {
    #[test]
    fn it_does_not_matter_into_which_pieces_a_body_is_cut(
        contents in proptest::collection::vec("[\r\n\\-X a]{0,40}", 0..4),
        sizes in proptest::collection::vec(1..9usize, 400),
    ) {
        let body: String = contents.iter().map(|content| part(content)).chain(["--XX--".into()]).collect();
        let (mut pieces, mut rest) = (Vec::new(), body.as_bytes());
        for size in sizes {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        prop_assert_eq!(split(pieces), whole(&body));
    }

    #[test]
    fn no_bytes_make_it_panic_or_hang(pieces in proptest::collection::vec("(--XX|\r|\n|:|;|\"|\\PC|Content-Disposition: form-data; name=){0,9}", 0..9)) {
        let _ = split(pieces.iter().map(String::as_bytes));
    }
}
