//! Every code has a page, every page a code, and every page says what it must.

use super::*;
use std::collections::BTreeSet;
use std::path::Path as FilePath;

fn root() -> &'static FilePath {
    FilePath::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn codes_stand_in_order_and_once() {
    assert!(PAGES.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn every_page_has_its_code() {
    let codes: BTreeSet<String> = PAGES.iter().map(|(code, _)| format!("{code}.md")).collect();
    let files: BTreeSet<String> = std::fs::read_dir(root().join("docs/errors"))
        .expect("is there")
        .map(|entry| entry.expect("reads").file_name().into_string().expect("is UTF-8"))
        .filter(|name| name != "README.md")
        .collect();
    assert_eq!(codes, files);
}

#[test]
fn every_page_says_what_happened_what_is_heard_and_what_to_do() {
    for (code, page) in PAGES {
        assert!(title(code).is_some_and(|title| !title.is_empty()), "{code} has a heading");
        for part in ["**What happened.**", "**What the listener hears.**", "**What to do.**"] {
            assert!(page.contains(part), "{code} says {part}");
        }
        assert!(page.contains(&format!("`{code}`")), "{code} names itself");
    }
}

/// Sources that make problem codes: ours, and those whose rejections we pass on.
const SOURCES: [&str; 3] = ["api/src", "actors/src", "actors/rules/src"];

fn sources(folder: &FilePath, take: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).expect("is there") {
        let path = entry.expect("reads").path();
        if path.is_dir() {
            sources(&path, take);
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).expect("is text");
            take(text.split("#[cfg(test)]").next().unwrap_or_default());
        }
    }
}

/// The quoted word that a text begins with.
fn leading_word(text: &str) -> Option<String> {
    let word = text.trim_start().strip_prefix('"')?.split('"').next()?;
    word.chars().all(|c| c.is_ascii_lowercase() || c == '_').then(|| word.to_owned())
}

/// The quoted words that stand right behind an opening, whatever the line breaks between.
fn words_behind(text: &str, opening: &str) -> Vec<String> {
    text.split(opening).skip(1).filter_map(leading_word).collect()
}

fn codes_of(text: &str) -> Vec<String> {
    let constructors = [
        "Problem::missing(",
        "Problem::not_found(",
        "CommandError::not_found(",
        "CommandError::invalid(",
        "code: ",
    ];
    let mut codes: Vec<String> =
        constructors.iter().flat_map(|opening| words_behind(text, opening)).collect();
    // `Problem::new(<status>, "<code>", …)`, the status by whatever name.
    for opening in ["Problem::new(", "Self::new("] {
        let second = text.split(opening).skip(1).filter_map(|made| made.split_once(','));
        codes.extend(second.filter_map(|(_, after)| leading_word(after)));
    }
    // Rejections: the words of their `code` function.
    for body in text.split("fn code(&self) -> &'static str {").skip(1) {
        let body = body.split("\n    fn ").next().unwrap_or_default();
        codes.extend(words_behind(body, "=>"));
    }
    codes
}

#[test]
fn every_code_that_is_made_has_its_page() {
    let mut made = BTreeSet::new();
    for folder in SOURCES {
        sources(&root().join(folder), &mut |text| made.extend(codes_of(text)));
    }
    assert!(made.contains("invalid_idempotency_key"), "the scan finds codes: {made:?}");
    let missing: Vec<_> = made.iter().filter(|code| page(code).is_none()).collect();
    assert!(missing.is_empty(), "codes without a page in docs/errors: {missing:?}");
}
