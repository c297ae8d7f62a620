//! Orders, a catalog and accounts in a database of one test's own.

use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;
use uuid::Uuid;

use crate::catalog::model::{NewProduct, Price, ProductChange, ProductName, Sku, Stock};
use crate::catalog::{self, CatalogError, CatalogService, Product, ProductType};
use crate::database::{Conn, Database, DatabaseError, Operation, migrations};
use crate::orders::basket::{Basket, BasketItem};
use crate::orders::idempotency::{Fingerprint, IdempotencyKey};
use crate::orders::model::Access;
use crate::orders::placing::{Claim, Placement};
use crate::orders::representation::OrderView;
use crate::orders::service::PlaceOrder;
use crate::orders::status::Status;
use crate::orders::store::testing;
use crate::orders::{OPERATIONS, OrderError, OrderMetrics, OrderService};
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::telemetry::metrics::Registry;

const TEST: Operation = Operation("test");

/// What every test here stands on.
pub(super) struct Fixture {
    pub(super) orders: OrderService,
    pub(super) metrics: OrderMetrics,
    pub(super) account: Uuid,
    catalog: CatalogService,
    database: Database,
    _folder: TempDir,
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("orders.db"));
        migrations::run(&url).unwrap();
        // Long enough for many writers in a queue on a busy machine.
        let patience = Duration::from_secs(30);
        let settings = DatabaseSettings {
            url,
            wait_timeout: patience,
            statement_timeout: patience,
            deadline: patience,
            ..DatabaseSettings::default()
        };
        let registry = Registry::new();
        let operations = [OPERATIONS, catalog::OPERATIONS, &[TEST]].concat();
        let database = Database::new(&settings, &operations, &registry).unwrap();
        let metrics = OrderMetrics::register(&registry).unwrap();
        let orders = OrderService::new(database.clone(), metrics.clone());
        let catalog = CatalogService::new(database.clone());
        let mut fixture = Self {
            orders,
            metrics,
            account: Uuid::nil(),
            catalog,
            database,
            _folder: folder,
        };
        fixture.account = fixture.another_account().await;
        fixture
    }

    pub(super) async fn another_account(&self) -> Uuid {
        let id = Uuid::now_v7();
        self.write(move |conn| testing::insert_account(conn, id))
            .await;
        id
    }

    pub(super) async fn product(&self, sku: &str, cents: i64, pieces: i64) -> Product {
        self.product_of(ProductType::Physical, sku, cents, pieces)
            .await
    }

    pub(super) async fn product_of(
        &self,
        kind: ProductType,
        sku: &str,
        cents: i64,
        pieces: i64,
    ) -> Product {
        let product = NewProduct {
            sku: Sku::parse(sku).unwrap(),
            name: ProductName::parse(format!("The {sku}")).unwrap(),
            product_type: kind,
            unit_price: Price::parse(cents).unwrap(),
            stock: Stock::parse(pieces).unwrap(),
        };
        self.catalog.create(product).await.unwrap()
    }

    pub(super) async fn stock(&self, product: &Product) -> i64 {
        self.catalog.find(product.id).await.unwrap().stock
    }

    pub(super) async fn change(
        &self,
        product: Uuid,
        change: ProductChange,
    ) -> Result<Product, CatalogError> {
        self.catalog.change(product, change).await
    }

    /// Places an order for an account.
    pub(super) async fn place(
        &self,
        account_id: Uuid,
        items: &[(Uuid, i64)],
        key: Option<&str>,
    ) -> Result<Placement, OrderError> {
        self.orders
            .place(self.orders.attempt(), request(account_id, items, key))
            .await
    }

    /// Places an order that is good.
    pub(super) async fn order(&self, items: &[(Uuid, i64)]) -> OrderView {
        match self.place(self.account, items, None).await.unwrap() {
            Placement::Created { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn step(&self, order: Uuid, to: Status) -> Result<OrderView, OrderError> {
        self.orders.transition(self.any(), order, to).await
    }

    pub(super) fn own(&self) -> Access {
        Access {
            account: self.account,
            any_order: false,
        }
    }

    pub(super) fn any(&self) -> Access {
        Access {
            account: self.account,
            any_order: true,
        }
    }

    pub(super) async fn events(&self, order: Uuid) -> Vec<(String, String)> {
        self.write(move |conn| testing::events(conn, order)).await
    }

    pub(super) async fn records(&self) -> i64 {
        self.write(testing::records).await
    }

    pub(super) async fn age_records(&self, by: TimeDelta) {
        self.write(move |conn| testing::age_records(conn, by)).await;
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Conn<'_>) -> Result<T, DatabaseError> + Send + Sync + 'static,
    ) -> T {
        self.database.write(TEST, work).await.unwrap()
    }
}

/// A request to place an order.
pub(super) fn request(account_id: Uuid, items: &[(Uuid, i64)], key: Option<&str>) -> PlaceOrder {
    let items = items.iter().map(|&(product_id, quantity)| BasketItem {
        product_id,
        quantity,
    });
    let basket = Basket::new(items.collect()).unwrap();
    let claim = key.map(|key| Claim {
        key: IdempotencyKey::parse(key.as_bytes()).unwrap(),
        fingerprint: Fingerprint::of("POST", "/api/v1/orders", &basket.canonical()),
    });
    PlaceOrder {
        account_id,
        basket,
        claim,
    }
}
