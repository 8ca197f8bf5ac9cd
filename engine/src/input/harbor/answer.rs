//! What the harbor answers: the lines of a real Icecast 2.4, which encoders were written for.

/// To an encoder that waits with its sound.
pub const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";
/// It is let in.
pub const OK: &str = "HTTP/1.0 200 OK\r\n\r\n";
/// A Shoutcast source is let in.
pub const OK2: &str = "OK2\r\nicy-caps:11\r\n\r\n";
/// A Shoutcast source is not.
pub const INVALID_PASSWORD: &str = "invalid password\r\n";
/// Whoever asks what is spoken here.
pub const OPTIONS: &str = "HTTP/1.1 204 No Content\r\n\
    Allow: GET, PUT, SOURCE, OPTIONS\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A refusal with its words.
pub fn refusal(status: &str, reason: &str) -> String {
    let length = reason.len();
    let realm = match status.starts_with("401") {
        true => "WWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n",
        false => "",
    };
    format!(
        "HTTP/1.0 {status}\r\n{realm}Content-Type: text/plain; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: Close\r\n\r\n{reason}"
    )
}

/// Metadata were taken, or not.
pub fn metadata(done: bool) -> String {
    let message = match done {
        true => "Metadata update successful",
        false => "Source does not exist",
    };
    let status = if done { "200 OK" } else { "400 Bad Request" };
    let number = i32::from(done);
    let body = format!(
        "<?xml version=\"1.0\"?>\n<iceresponse><message>{message}</message>\
         <return>{number}</return></iceresponse>\n"
    );
    let length = body.len();
    format!(
        "HTTP/1.0 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
         Connection: Close\r\n\r\n{body}"
    )
}
