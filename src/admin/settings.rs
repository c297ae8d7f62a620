//! `GET /config`: the settings in effect, where each comes from, secrets masked.
//!
//! As `glasshouse config show` prints them, but of the process that is running.

use super::AdminContext;
use crate::http::Resource;
use crate::settings::Effective;
use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig};
use serde::Serialize;
use std::path::Path;

pub(super) fn configure(config: &mut ServiceConfig) {
    Resource::at("/config").get(show_settings).register(config);
}

#[derive(Serialize)]
struct SettingsBody<'a> {
    /// The file that was read; `null` when there was none.
    config_file: Option<&'a Path>,
    settings: &'a [Effective],
}

async fn show_settings(context: Data<AdminContext>) -> HttpResponse {
    HttpResponse::Ok().json(SettingsBody {
        config_file: context.config_file.as_deref(),
        settings: &context.effective,
    })
}
