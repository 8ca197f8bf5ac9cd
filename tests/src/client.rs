//! A client of the API, as an operator would have one.

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// A signed-in client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client that is not signed in.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client can be made");
        Self { http, base: base.into(), token: None }
    }

    /// The same client with a token from an earlier sign-in.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The server's address.
    pub fn base(&self) -> &str {
        &self.base
    }
    /// The token, once signed in.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Signs in.
    pub async fn sign_in(mut self, name: &str, password: &str) -> Self {
        let body = json!({"username": name, "password": password});
        let answer = self.ok(self.request(Method::POST, "/api/v1/auth/login").json(&body)).await;
        self.token = answer["token"].as_str().map(str::to_owned);
        assert!(self.token.is_some(), "no token in {answer}");
        self
    }

    /// A request with the token, where there is one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends and expects success.
    pub async fn ok(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.expect("the server answers");
        let (status, body) = read(response).await;
        assert!(status.is_success(), "{status}: {body}");
        body
    }

    /// Sends; answers status and body, `None` when the connection failed.
    pub async fn try_send(&self, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        match request.send().await {
            Ok(response) => Some(read(response).await),
            Err(_) => None,
        }
    }

    /// GET, expecting success.
    pub async fn get(&self, path: &str) -> Value {
        self.ok(self.request(Method::GET, path)).await
    }
    /// POST, expecting success.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ok(self.request(Method::POST, path).json(&body)).await
    }
    /// PATCH, expecting success.
    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.ok(self.request(Method::PATCH, path).json(&body)).await
    }
    /// DELETE, expecting success.
    pub async fn delete(&self, path: &str) -> Value {
        self.ok(self.request(Method::DELETE, path)).await
    }

    /// Uploads a file; answers status and body.
    pub async fn upload(
        &self,
        station: &str,
        file: &Path,
        fields: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let bytes = std::fs::read(file).expect("the file can be read");
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut form = reqwest::multipart::Form::new().text("station_id", station.to_owned());
        for (key, value) in fields {
            form = form.text((*key).to_owned(), (*value).to_owned());
        }
        form = form.part("file", reqwest::multipart::Part::bytes(bytes).file_name(name));
        // It is answered once it is measured, by a program that is not optimised.
        let request = self.request(Method::POST, "/api/v1/media/upload");
        let request = request.timeout(Duration::from_secs(240)).multipart(form);
        read(request.send().await.expect("the server answers")).await
    }

    /// Uploads a file that is to be taken in; answers its id.
    pub async fn add_media(&self, station: &str, file: &Path, fields: &[(&str, &str)]) -> String {
        let (status, body) = self.upload(station, file, fields).await;
        assert!(status.is_success(), "{}: {status}: {body}", file.display());
        body["id"].as_str().expect("an item has an id").to_owned()
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    (status, body)
}
