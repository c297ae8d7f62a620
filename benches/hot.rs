//! Code that every request runs, or every scrape, and that needs neither a socket nor a database: `make bench ONLY=pure`
//! writes what it takes into `docs/performance.md`. `cargo bench -- token` measures one of them, next to the run before.

use std::error::Error;
use std::hint::black_box;
use std::io::sink;
use std::sync::Arc;
use std::time::Duration;

use actix_web::ResponseError as _;
use chrono::Utc;
use criterion::{BatchSize, Criterion};
use glasshouse::accounts::model::Role;
use glasshouse::accounts::token::{AccessTokens, Identity, TokenKeys, TokenRules};
use glasshouse::app::document;
use glasshouse::http::extract::Cursor;
use glasshouse::http::problem::Problem;
use glasshouse::http::problem::kinds::{INVALID_BODY, NOT_FOUND};
use glasshouse::http::{HttpMetrics, operations};
use glasshouse::orders::basket::{Basket, BasketItem, Offer, priced};
use glasshouse::orders::idempotency::{Fingerprint, IdempotencyKey};
use glasshouse::settings::LogSettings;
use glasshouse::telemetry::logs::{self, Identity as Logging};
use glasshouse::telemetry::metrics::Registry;
use glasshouse::telemetry::{RequestContext, RequestId, TraceParent, with_context};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let mut criterion = Criterion::default().configure_from_args();
    tokens(&mut criterion)?;
    cursors(&mut criterion);
    prices(&mut criterion)?;
    keys(&mut criterion);
    names(&mut criterion);
    problems(&mut criterion);
    lines(&mut criterion)?;
    metrics(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn tokens(criterion: &mut Criterion) -> Outcome {
    let keys = TokenKeys::new(
        &SecretString::from("a-secret-of-32-bytes-and-some-more"),
        None,
    );
    let rules = TokenRules {
        issuer: "glasshouse".to_owned(),
        audience: "glasshouse".to_owned(),
        lifetime: Duration::from_mins(15),
    };
    let tokens = AccessTokens::new(Arc::new(keys), rules);
    let identity = Identity {
        account: Uuid::now_v7(),
        role: Role::Customer,
    };
    let token = tokens.issue(identity, Utc::now())?;
    let token = token.expose_secret();
    criterion.bench_function("token/verify", |b| {
        b.iter(|| tokens.verify(black_box(token)));
    });
    let forged = token.replace('.', "-");
    criterion.bench_function("token/refuse", |b| {
        b.iter(|| tokens.verify(black_box(&forged)));
    });
    criterion.bench_function("token/issue", |b| {
        b.iter(|| tokens.issue(black_box(identity), Utc::now()));
    });
    Ok(())
}

fn cursors(criterion: &mut Criterion) {
    let id = Uuid::now_v7();
    let cursor = Cursor::encode(id);
    criterion.bench_function("cursor/encode", |b| {
        b.iter(|| Cursor::encode(black_box(id)));
    });
    criterion.bench_function("cursor/decode", |b| {
        b.iter(|| Cursor::decode(black_box(&cursor)));
    });
}

/// An order of ten products.
fn prices(criterion: &mut Criterion) -> Outcome {
    let item = |quantity| BasketItem {
        product_id: Uuid::now_v7(),
        quantity,
    };
    let items: Vec<BasketItem> = (1..=10).map(item).collect();
    let offer = |item: &BasketItem| Offer {
        product_id: item.product_id,
        sku: "SKU-000001".to_owned(),
        name: "Stoneware mug no. 1".to_owned(),
        unit_price_cents: 1_999,
        stock: 1_000_000,
    };
    let offers: Vec<Offer> = items.iter().map(offer).collect();
    let basket = Basket::new(items.clone())?;
    let wanted = basket.matched(offers.clone())?;
    criterion.bench_function("order/basket of 10", |b| {
        b.iter_batched(|| items.clone(), Basket::new, BatchSize::SmallInput);
    });
    criterion.bench_function("order/offers matched", |b| {
        b.iter_batched(
            || offers.clone(),
            |offers| basket.matched(offers),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("order/priced", |b| {
        b.iter_batched(|| wanted.clone(), priced, BatchSize::SmallInput);
    });
    let body = basket.canonical();
    criterion.bench_function("order/fingerprint", |b| {
        b.iter(|| Fingerprint::of("POST", "/api/v1/orders", black_box(&body)));
    });
    Ok(())
}

fn keys(criterion: &mut Criterion) {
    let key = Uuid::now_v7().to_string();
    criterion.bench_function("idempotency key/parse", |b| {
        b.iter(|| IdempotencyKey::parse(black_box(key.as_bytes())));
    });
}

/// What a request is called.
fn names(criterion: &mut Criterion) {
    criterion.bench_function("request/id", |b| b.iter(RequestId::generate));
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    criterion.bench_function("request/traceparent", |b| {
        b.iter(|| TraceParent::parse(black_box(header)));
    });
    criterion.bench_function("request/context", |b| b.iter(context));
}

fn context() -> Arc<RequestContext> {
    Arc::new(RequestContext::new(RequestId::generate(), None, false))
}

fn problems(criterion: &mut Criterion) {
    with_context(context(), || {
        criterion.bench_function("problem/not found", |b| {
            b.iter(|| Problem::new(&NOT_FOUND).error_response());
        });
        criterion.bench_function("problem/three fields", |b| {
            b.iter(|| {
                let problem = Problem::new(&INVALID_BODY)
                    .field("email", "is no e-mail address")
                    .field("items[0].quantity", "must be at least 1")
                    .field("display_name", "must not be empty");
                problem.error_response()
            });
        });
    });
}

/// Formatting a line and handing it over; the thread that writes them throws them away.
fn lines(criterion: &mut Criterion) -> Outcome {
    let settings = LogSettings::default();
    let identity = Logging::of_this_build("glasshouse", "production");
    let (dispatch, logs) = logs::writing_to(sink(), &settings, &identity, false)?;
    let context = context();
    tracing::dispatcher::with_default(&dispatch, || {
        with_context(context, || {
            criterion.bench_function("log/access line", |b| {
                b.iter(|| {
                    tracing::event!(
                        target: "glasshouse::access",
                        tracing::Level::INFO,
                        "http.method" = "GET",
                        "http.route" = "/api/v1/products/{id}",
                        "http.status" = 200_u16,
                        "duration_ms" = black_box(1.234),
                        "db.wait_ms" = black_box(0.012),
                        "db.time_ms" = black_box(0.345),
                        "client.address" = black_box("203.0.113.7"),
                        "bytes_out" = black_box(213_u64),
                        "request completed"
                    );
                });
            });
            criterion.bench_function("log/line below the level", |b| {
                b.iter(|| tracing::debug!(number = black_box(1), "nobody asked for it"));
            });
        });
    });
    logs.flush();
    Ok(())
}

/// A scrape of what the public listener tells when every route and status has been seen: most of `/metrics`.
fn metrics(criterion: &mut Criterion) -> Outcome {
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry)?;
    for operation in operations(&document()) {
        for status in &operation.statuses {
            let labels = [operation.method, &operation.path, &status.to_string()];
            metrics.requests.handle(&labels).inc();
            let duration = metrics.duration.handle(&labels);
            duration.observe(Duration::from_millis(3));
        }
    }
    criterion.bench_function("metrics/scrape", |b| b.iter(|| registry.encode()));
    let labels = ["GET", "/api/v1/products/{id}", "200"];
    let (count, duration) = (
        metrics.requests.handle(&labels),
        metrics.duration.handle(&labels),
    );
    criterion.bench_function("metrics/count and observe", |b| {
        b.iter(|| {
            count.inc();
            duration.observe(black_box(Duration::from_micros(1_234)));
        });
    });
    Ok(())
}
