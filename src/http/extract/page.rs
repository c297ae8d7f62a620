//! Paging by cursor: `?limit=` and `?cursor=`, and the shape of a page.
//!
//! A cursor is the id of the last item seen, so the cost of a page does not grow with its depth, and nothing is shown
//! twice or left out while others insert. It is opaque: only what was given out as `next_cursor` is good.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::problem::Problem;
use crate::http::problem::kinds::INVALID_PARAMETER;

use super::Query;

/// Items in a page when nothing is said.
const DEFAULT_LIMIT: i64 = 20;
/// The most items in a page.
const MAX_LIMIT: i64 = 100;
/// Stands before the id, so that another form can follow one day without being taken for this one.
const VERSION: u8 = 1;

/// The page that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Items wanted, 1 to 100.
    pub limit: i64,
    /// The last item of the page before.
    pub after: Option<Uuid>,
}

/// The opaque form of a position.
#[derive(Debug)]
pub struct Cursor;

impl Cursor {
    /// What to hand out as `next_cursor`.
    pub fn encode(id: Uuid) -> String {
        let mut bytes = [VERSION; 17];
        bytes[1..].copy_from_slice(id.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position, if it was given out by us.
    pub fn decode(text: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        match bytes.as_slice() {
            [VERSION, id @ ..] => Uuid::from_slice(id).ok(),
            _ => None,
        }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Paged<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// Makes a page of what was read: the store reads one more than asked, which tells of a next page.
    pub fn cut(mut items: Vec<T>, limit: i64, id: impl Fn(&T) -> Uuid) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = if more {
            items.last().map(|last| Cursor::encode(id(last)))
        } else {
            None
        };
        Self { items, next_cursor }
    }

    /// The same page with its items in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            items: self.items.into_iter().map(form).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[derive(Deserialize)]
struct Parameters {
    limit: Option<String>,
    cursor: Option<String>,
}

impl FromRequest for Page {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parameters = Query::<Parameters>::from_request(request, payload).into_inner();
        ready(parameters.and_then(|Query(parameters)| parse(&parameters)))
    }
}

fn parse(parameters: &Parameters) -> Result<Page, Problem> {
    let limit = match parameters.limit.as_deref() {
        None => Some(DEFAULT_LIMIT),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit)),
    };
    let after = parameters.cursor.as_deref().map(Cursor::decode);
    let mut problem = Problem::new(&INVALID_PARAMETER);
    if limit.is_none() {
        problem = problem.field("limit", "must be a whole number from 1 to 100");
    }
    if after == Some(None) {
        problem = problem.field("cursor", "must be a next_cursor as it was given out");
    }
    match (limit, after) {
        (Some(limit), None) => Ok(Page { limit, after: None }),
        (Some(limit), Some(Some(id))) => Ok(Page {
            limit,
            after: Some(id),
        }),
        _ => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(limit: Option<&str>, cursor: Option<&str>) -> Result<Page, Problem> {
        parse(&Parameters {
            limit: limit.map(str::to_owned),
            cursor: cursor.map(str::to_owned),
        })
    }

    #[test]
    fn limits_outside_of_1_to_100_are_refused_by_name() {
        assert_eq!(page(None, None).unwrap().limit, 20);
        assert_eq!(page(Some("100"), None).unwrap().limit, 100);
        for limit in ["0", "101", "-1", "x", "", "1.5", "99999999999999999999"] {
            assert_eq!(
                page(Some(limit), None).unwrap_err().errors()[0].field,
                "limit",
                "{limit}"
            );
        }
    }

    #[test]
    fn a_cursor_of_another_make_is_refused_by_name() {
        for cursor in ["", "x", "AAAA", "AgAAAAAAAAAAAAAAAAAAAAA", "!!"] {
            assert_eq!(
                page(None, Some(cursor)).unwrap_err().errors()[0].field,
                "cursor",
                "{cursor}"
            );
        }
    }

    #[test]
    fn one_item_more_than_asked_tells_of_a_next_page() {
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        let full = Paged::cut(ids.clone(), 2, |id| *id);
        assert_eq!(
            (full.items.len(), full.next_cursor),
            (2, Some(Cursor::encode(ids[1])))
        );
        assert_eq!(Paged::cut(ids, 3, |id| *id).next_cursor, None);
    }

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_id(bytes: [u8; 16]) {
            let id = Uuid::from_bytes(bytes);
            prop_assert_eq!(Cursor::decode(&Cursor::encode(id)), Some(id));
        }

        #[test]
        fn no_text_whatever_breaks_the_reading_of_a_cursor(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
