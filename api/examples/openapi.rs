//! Prints the OpenAPI document: `cargo run -p grimnir-api --example openapi > docs/openapi.json`.

fn main() {
    print!("{}", grimnir_api::openapi_json());
}
