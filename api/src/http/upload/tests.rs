//! What of an upload is taken, what is refused, and that nothing of it is left behind.

use super::*;
use axum::body::Body;
use std::fmt::Write as _;

const BOUNDARY: &str = "tAkE";

fn form(parts: &[(&str, Option<&str>, &str)]) -> String {
    let mut body = String::new();
    for (name, file, text) in parts {
        let file = file.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        let head = format!("Content-Disposition: form-data; name=\"{name}\"{file}");
        let _ = write!(body, "--{BOUNDARY}\r\n{head}\r\n\r\n{text}\r\n");
    }
    let _ = write!(body, "--{BOUNDARY}--\r\n");
    body
}

async fn sent(body: impl Into<Body>, file_bytes: u64, path: &Path) -> Result<Form, Problem> {
    let request = axum::http::Request::post("/")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(body.into())
        .expect("is a request");
    let limits = Limits { file_bytes, pause: Duration::from_secs(5) };
    receive(multipart(request).await?, path.to_owned(), &limits).await
}

fn place(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("upload.part")
}

async fn refusal(body: String) -> (u16, String, Option<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = place(&dir);
    let problem = sent(body, 8, &path).await.err().expect("is refused");
    assert!(!path.exists(), "nothing is left behind");
    let document = problem.document("/", "cor_0");
    (document.status, document.code, document.field)
}

#[tokio::test]
async fn a_form_is_read_whatever_the_order_of_its_parts() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = place(&dir);
    let body = form(&[
        ("file", Some("C:\\music\\a.mp3"), "sound"),
        ("title", None, "T"),
        ("kind", None, "legal_id"),
        ("must_air", None, "true"),
        ("album", None, " "),
        ("station_id", None, "nord"),
    ]);
    let form = sent(body, 8, &path).await.expect("is read");
    assert_eq!(form.station_id.as_deref(), Some("nord"));
    assert_eq!(form.ingest.file_name, "a.mp3");
    assert_eq!(form.ingest.title.as_deref(), Some("T"));
    assert_eq!(form.ingest.album, None);
    assert!(form.ingest.must_air && !form.ingest.long_form);
    assert_eq!(std::fs::read(&path).expect("is there"), b"sound");
    drop(form);
    assert!(!path.exists(), "a file that nobody took is removed");
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_and_removed() {
    let found = refusal(form(&[("file", Some("a.mp3"), "nine byte")])).await;
    assert_eq!(found, (413, "file_too_large".into(), Some("file".into())));
}

#[tokio::test]
async fn a_bad_part_is_named() {
    let named = |code: &str, field: &str| (422, code.to_owned(), Some(field.to_owned()));
    let kind = refusal(form(&[("kind", None, "jingle")])).await;
    assert_eq!(kind, named("invalid_field", "kind"));
    let truth = refusal(form(&[("long_form", None, "maybe")])).await;
    assert_eq!(truth, named("invalid_field", "long_form"));
    let unknown = refusal(form(&[("stationid", None, "x")])).await;
    assert_eq!(unknown, named("unknown_field", "stationid"));
    let long = "x".repeat(TEXT_LIMIT_BYTES + 1);
    assert_eq!(refusal(form(&[("title", None, &long)])).await, named("invalid_field", "title"));
    let twice = form(&[("file", Some("a"), "1"), ("file", Some("b"), "2")]);
    assert_eq!(refusal(twice).await, named("invalid_field", "file"));
}

#[tokio::test]
async fn a_form_that_breaks_off_is_refused_and_its_file_removed() {
    let mut body = form(&[("file", Some("a.mp3"), "sound")]);
    body.truncate(body.len() - 12);
    assert_eq!(refusal(body).await, (400, "invalid_multipart".into(), None));
}

#[tokio::test]
async fn a_form_of_endless_parts_is_refused() {
    let parts = vec![("title", None, "x"); PARTS_MAX + 1];
    assert_eq!(refusal(form(&parts)).await, (400, "invalid_multipart".into(), None));
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused() {
    let request = axum::http::Request::post("/")
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .expect("is a request");
    let problem = multipart(request).await.expect_err("is refused");
    assert_eq!((problem.status().as_u16(), problem.code()), (415, "unsupported_media_type"));
}

#[test]
fn a_file_name_keeps_only_its_last_part() {
    assert_eq!(base_name("../../etc/passwd"), "passwd");
    assert_eq!(base_name("a\nb.mp3"), "ab.mp3");
    assert_eq!(base_name(""), "");
}
