//! `GET /problems/{code}`: what a code means and what to do, for people and for programs.

use actix_web::http::header::ACCEPT;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::extract::Path;
use crate::http::html;

use super::kinds::NOT_FOUND;
use super::{Problem, ProblemType};

/// The problems of all rooms, joined by the composition root.
#[derive(Debug, Clone)]
pub struct Explanations(Vec<&'static ProblemType>);

impl Explanations {
    /// Those of the machinery and of the given subjects.
    pub fn new(of_subjects: &[&[&'static ProblemType]]) -> Self {
        let mut all = super::kinds::PROBLEMS.to_vec();
        all.extend(
            of_subjects
                .iter()
                .flat_map(|problems| problems.iter().copied()),
        );
        all.sort_by_key(|problem| problem.code);
        Self(all)
    }

    /// All of them, by code.
    pub fn all(&self) -> &[&'static ProblemType] {
        &self.0
    }

    fn find(&self, code: &str) -> Option<&'static ProblemType> {
        self.0.iter().copied().find(|problem| problem.code == code)
    }
}

/// What a problem code means.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// The code.
    #[schema(example = "out_of_stock")]
    code: &'static str,
    /// The status that it comes with.
    #[schema(example = 409)]
    status: u16,
    /// The kind in a few words.
    title: &'static str,
    /// What happened.
    meaning: &'static str,
    /// What to do.
    remedy: &'static str,
}

/// Explain a problem code
///
/// HTML for a browser, JSON otherwise.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "service", operation_id = "show_problem",
    params(("code" = String, Path, description = "The `code` of a problem", example = "out_of_stock")),
    responses(
        (status = 200, description = "What it means and what to do", body = Explanation),
        (status = 404, description = "No such code", body = super::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show_problem(
    request: HttpRequest,
    code: Path<String>,
    explanations: Data<Explanations>,
) -> Result<HttpResponse, Problem> {
    let problem = explanations
        .find(&code)
        .ok_or_else(|| Problem::new(&NOT_FOUND).detail("There is no such problem code."))?;
    if html::wanted(request.headers().get(ACCEPT)) {
        return Ok(html::page(problem.title, &article(problem)));
    }
    Ok(HttpResponse::Ok()
        .insert_header(html::NEGOTIATED)
        .json(Explanation {
            code: problem.code,
            status: problem.status,
            title: problem.title,
            meaning: problem.meaning,
            remedy: problem.remedy,
        }))
}

fn article(problem: &ProblemType) -> String {
    format!(
        "<p class=\"note\"><code>{}</code> · status {}</p><h2>What happened</h2><p>{}</p><h2>What to do</h2><p>{}</p>",
        html::escape(problem.code),
        problem.status,
        html::prose(problem.meaning),
        html::prose(problem.remedy),
    )
}
