//! The API reference: the OpenAPI document, made from the code, and Swagger UI with every asset inside the binary.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web::{Bytes, Data, ServiceConfig};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

use super::extract::Path;
use super::problem::Problem;
use super::problem::kinds::{INTERNAL_ERROR, NOT_FOUND};
use super::resource::Resource;

/// Swagger UI sets styles on elements; its scripts and everything else come from here alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One operation of the document, as the metrics need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documented {
    /// `GET` and so on.
    pub method: &'static str,
    /// The path's template.
    pub path: String,
    /// The statuses that it is documented to answer with.
    pub statuses: Vec<u16>,
}

/// Every operation in the document.
pub fn operations(document: &OpenApi) -> Vec<Documented> {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        let methods = [
            ("GET", &item.get),
            ("HEAD", &item.head),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        for (method, operation) in methods {
            let Some(operation) = operation else { continue };
            let statuses = operation
                .responses
                .responses
                .keys()
                .filter_map(|status| status.parse().ok())
                .collect();
            all.push(Documented {
                method,
                path: path.clone(),
                statuses,
            });
        }
    }
    all
}

/// The document as it is served, and the configuration of its viewer.
#[derive(Clone)]
pub(super) struct Reference {
    json: Bytes,
    viewer: Arc<Config<'static>>,
}

impl Reference {
    /// Renders the document once.
    pub(super) fn new(document: &OpenApi) -> Result<Self, serde_json::Error> {
        let json = Bytes::from(document.to_pretty_json()?);
        Ok(Self {
            json,
            viewer: Arc::new(Config::from("openapi.json").use_base_layout()),
        })
    }
}

/// Adds the document and its viewer.
pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at("/openapi.json")
        .get(show_openapi)
        .register(config);
    Resource::at("/docs").get(show_reference).register(config);
    Resource::at("/docs/{file}")
        .get(show_reference_file)
        .register(config);
}

/// The OpenAPI 3.1 document of this API
#[utoipa::path(
    get, path = "/openapi.json", tag = "service", operation_id = "show_openapi",
    responses((status = 200, description = "The document", content_type = "application/json"))
)]
pub(super) async fn show_openapi(reference: Data<Reference>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(reference.json.clone())
}

/// The API reference, for a browser
#[utoipa::path(
    get, path = "/docs", tag = "service", operation_id = "show_reference",
    responses((status = 200, description = "Swagger UI", content_type = "text/html"))
)]
pub(super) async fn show_reference(reference: Data<Reference>) -> Result<HttpResponse, Problem> {
    let index = file(&reference, "index.html")?;
    // The page is at /docs, its files below: what it names beside itself is one folder down from there.
    let html = String::from_utf8_lossy(&index.bytes)
        .replace("\"./", "\"docs/")
        .replace("\"index.css\"", "\"docs/index.css\"")
        .replace(
            "<title>Swagger UI</title>",
            "<title>API reference · Glasshouse</title>",
        );
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(html))
}

/// A file of the API reference
#[utoipa::path(
    get, path = "/docs/{file}", tag = "service", operation_id = "show_reference_file",
    params(("file" = String, Path, description = "Its name", example = "swagger-ui.css")),
    responses(
        (status = 200, description = "The file"),
        (status = 404, description = "No such file", body = super::problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show_reference_file(
    name: Path<String>,
    reference: Data<Reference>,
) -> Result<HttpResponse, Problem> {
    if name.as_str() == "index.html" {
        // It belongs at /docs: here its own references would lead nowhere.
        return Err(Problem::new(&NOT_FOUND));
    }
    let file = file(&reference, &name)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_TYPE, file.content_type));
    if file.compressed {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }))
}

struct File {
    bytes: Cow<'static, [u8]>,
    content_type: String,
    compressed: bool,
}

fn file(reference: &Reference, name: &str) -> Result<File, Problem> {
    match utoipa_swagger_ui::serve(name, Arc::clone(&reference.viewer)) {
        Ok(Some(file)) => Ok(File {
            bytes: file.bytes,
            content_type: file.content_type,
            compressed: file.gzpipped,
        }),
        Ok(None) => Err(Problem::new(&NOT_FOUND)),
        Err(error) => Err(Problem::new(&INTERNAL_ERROR).source(error.to_string())),
    }
}
