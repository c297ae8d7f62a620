//! What the catalog decides, over a real SQLite file. What its routes answer, on both databases, is in `tests/api/catalog/`.

use futures_util::future::join_all;
use tempfile::TempDir;
use uuid::Uuid;

use super::model::{NewProduct, Price, ProductChange, ProductName, Sku, Stock, StockDelta};
use super::{CatalogError, CatalogService, OPERATIONS, Product, ProductType, stock};
use crate::database::{Database, DatabaseError, ErrorKind, Operation, migrations};
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry::metrics::Registry;

const TEST: Operation = Operation("test");

struct Fixture {
    database: Database,
    catalog: CatalogService,
    _folder: TempDir,
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("catalog.db"));
    migrations::run(&url).unwrap();
    let settings = DatabaseSettings {
        url,
        ..DatabaseSettings::default()
    };
    let operations = [OPERATIONS, &[TEST]].concat();
    let database = Database::new(&settings, &operations, &Registry::new()).unwrap();
    let catalog = CatalogService::new(database.clone());
    Fixture {
        database,
        catalog,
        _folder: folder,
    }
}

fn product(sku: &str, product_type: ProductType, pieces: i64) -> NewProduct {
    NewProduct {
        sku: Sku::parse(sku).unwrap(),
        name: ProductName::parse("Mug").unwrap(),
        product_type,
        unit_price: Price::parse(1490).unwrap(),
        stock: Stock::parse(pieces).unwrap(),
    }
}

fn by(pieces: i64) -> ProductChange {
    ProductChange {
        stock_delta: StockDelta::parse(pieces).unwrap(),
        ..ProductChange::default()
    }
}

impl Fixture {
    async fn put_in(&self, sku: &str, pieces: i64) -> Product {
        self.catalog
            .create(product(sku, ProductType::Physical, pieces))
            .await
            .unwrap()
    }

    async fn stock(&self, id: Uuid) -> i64 {
        self.catalog.find(id).await.unwrap().stock
    }

    async fn take(&self, items: Vec<(Uuid, i64)>) -> Result<(), DatabaseError> {
        self.database
            .write(TEST, move |conn| stock::take(conn, &items))
            .await
    }
}

#[tokio::test]
async fn a_product_is_found_as_it_was_put_in() {
    let it = fixture();
    let created = it.put_in("MUG-1", 3).await;
    assert_eq!(it.catalog.find(created.id).await.unwrap(), created);
    assert_eq!(created.created_at, created.updated_at);
    let missing = it.catalog.find(Uuid::now_v7()).await;
    assert!(matches!(missing, Err(CatalogError::NotFound)));
}

#[tokio::test]
async fn a_taken_sku_is_refused_and_one_in_another_letter_case_is_not() {
    let it = fixture();
    it.put_in("MUG-1", 3).await;
    let again = it
        .catalog
        .create(product("MUG-1", ProductType::Digital, 0))
        .await;
    assert!(matches!(again, Err(CatalogError::SkuTaken)));
    it.put_in("mug-1", 3).await;
}

#[tokio::test]
async fn a_change_is_made_as_a_whole_or_not_at_all() {
    let it = fixture();
    let before = it.put_in("MUG-1", 3).await;
    let name = ProductName::parse("Cup").unwrap();
    let refused = ProductChange {
        name: Some(name),
        unit_price: Price::parse(1).ok(),
        ..by(-4)
    };
    let outcome = it.catalog.change(before.id, refused.clone()).await;
    assert!(matches!(
        outcome,
        Err(CatalogError::InsufficientStock { stock: 3 })
    ));
    assert_eq!(it.catalog.find(before.id).await.unwrap(), before);

    let change = ProductChange {
        stock_delta: StockDelta::parse(-3).unwrap(),
        ..refused
    };
    let after = it.catalog.change(before.id, change).await.unwrap();
    assert_eq!(
        (after.name.as_str(), after.unit_price_cents, after.stock),
        ("Cup", 1, 0)
    );
    assert!(after.updated_at >= before.updated_at && after.created_at == before.created_at);
    assert_eq!(it.catalog.find(before.id).await.unwrap(), after);
}

#[tokio::test]
async fn what_is_not_named_in_a_change_stays_as_it_is() {
    let it = fixture();
    let before = it.put_in("MUG-1", 3).await;
    let after = it
        .catalog
        .change(before.id, by(1_000_000_000))
        .await
        .unwrap();
    let expected = Product {
        stock: 1_000_000_003,
        updated_at: after.updated_at,
        ..before
    };
    assert_eq!(after, expected);
}

#[tokio::test]
async fn changes_beyond_the_bounds_or_of_nothing_are_refused_for_what_they_are() {
    let it = fixture();
    let id = it.put_in("MUG-1", 3).await.id;
    let outcome = it.catalog.change(id, by(Stock::MAX)).await;
    assert!(matches!(
        outcome,
        Err(CatalogError::TooMuchStock { stock: 3 })
    ));
    let outcome = it.catalog.change(Uuid::now_v7(), by(-4)).await;
    assert!(matches!(outcome, Err(CatalogError::NotFound)));
    assert_eq!(it.stock(id).await, 3);
}

#[tokio::test]
async fn of_many_who_take_at_once_only_as_many_succeed_as_there_are_pieces() {
    let it = fixture();
    let id = it.put_in("MUG-1", 5).await.id;
    let outcomes = join_all((0..20).map(|_| it.catalog.change(id, by(-1)))).await;
    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len(), it.stock(id).await), (5, 15, 0));
    let is_refusal = |outcome| matches!(outcome, Err(CatalogError::InsufficientStock { stock: 0 }));
    assert!(refused.into_iter().all(is_refusal));
}

/// All ids in the order in which pages of 4 show them, when a product comes in after the first page.
async fn walk(it: &Fixture, of_type: Option<ProductType>) -> Vec<Uuid> {
    let (mut seen, mut after) = (Vec::new(), None);
    for page in 0..20 {
        let products = it.catalog.list(of_type, after, 4).await.unwrap();
        assert!(products.len() <= 4);
        let Some(last) = products.last() else {
            return seen;
        };
        after = Some(last.id);
        seen.extend(products.iter().map(|one| one.id));
        if page == 0 {
            it.put_in(&format!("LATE-{}", last.sku), 0).await;
        }
    }
    panic!("the pages do not end");
}

#[tokio::test]
async fn pages_show_every_product_once_in_the_order_of_ids() {
    let it = fixture();
    assert_eq!(it.catalog.seed(25).await.unwrap(), 25);
    // What comes in meanwhile comes at the end, and moves nobody; it is of the type `physical`.
    for (of_type, expected) in [
        (Some(ProductType::Digital), 6),
        (Some(ProductType::Physical), 9),
        (None, 28),
    ] {
        let seen = walk(&it, of_type).await;
        assert!(seen.is_sorted_by(|one, next| one < next));
        assert_eq!(seen.len(), expected, "{of_type:?}");
    }
}

#[tokio::test]
async fn seeding_again_adds_only_what_is_missing() {
    let it = fixture();
    assert_eq!(it.catalog.seed(0).await.unwrap(), 0);
    assert_eq!(it.catalog.seed(3).await.unwrap(), 3);
    assert_eq!(it.catalog.seed(1203).await.unwrap(), 1200);
    assert_eq!(it.catalog.seed(1203).await.unwrap(), 0);
    let last = it
        .catalog
        .list(None, None, 2000)
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert_eq!((last.sku.as_str(), last.stock), ("SKU-001203", 1_000_000));
}

#[tokio::test]
async fn a_lock_gives_those_that_exist_in_the_order_of_ids() {
    let it = fixture();
    let (one, two) = (it.put_in("A", 1).await, it.put_in("B", 2).await);
    let ids = [one.id, two.id, Uuid::now_v7()];
    let locked = it
        .database
        .write(TEST, move |conn| stock::lock(conn, &ids))
        .await
        .unwrap();
    assert_eq!(locked, [one, two]);
    let none = it
        .database
        .write(TEST, |conn| stock::lock(conn, &[]))
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn what_is_taken_can_be_put_back() {
    let it = fixture();
    let (one, two) = (it.put_in("A", 5).await, it.put_in("B", 2).await);
    let items = vec![(one.id, 3), (two.id, 2)];
    it.take(items.clone()).await.unwrap();
    assert_eq!((it.stock(one.id).await, it.stock(two.id).await), (2, 0));
    it.database
        .write(TEST, move |conn| stock::put_back(conn, &items))
        .await
        .unwrap();
    assert_eq!((it.stock(one.id).await, it.stock(two.id).await), (5, 2));
    it.take(vec![]).await.unwrap();
}

#[tokio::test]
async fn taking_more_than_there_is_of_one_takes_nothing_of_any() {
    let it = fixture();
    let (one, two) = (it.put_in("A", 5).await, it.put_in("B", 2).await);
    for items in [
        vec![(one.id, 3), (two.id, 3)],
        vec![(one.id, 1), (Uuid::now_v7(), 1)],
    ] {
        let error = it.take(items).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!((it.stock(one.id).await, it.stock(two.id).await), (5, 2));
    }
}
