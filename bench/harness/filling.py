"""Fills databases with orders by SQL, by the hundred thousand: through the API it would take a day."""

import base64
import datetime
import sqlite3
import uuid

from .processes import Failure

SECOND = 1_700_000_000  # the first order's
BATCH = 20_000
LINES = 2


def order_id(number):
    """As a UUIDv7 of that second is: later orders have greater ids. The same on both databases."""
    tail = f"{number * 0x9E3779B97F4A7C15 & (1 << 72) - 1:018x}"
    return str(uuid.UUID(f"{(SECOND + number) * 1000:012x}7{tail[:3]}8{tail[3:18]}"))


def cursor(order):
    """The page behind this order: what the service gives as `next_cursor` (src/http/extract/page.rs)."""
    return base64.urlsafe_b64encode(b"\x01" + uuid.UUID(order).bytes).rstrip(b"=").decode()


def rows(number, account, product):
    """What one order is, in each table."""
    order = order_id(number)
    at = datetime.datetime.fromtimestamp(SECOND + number, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    product_id, sku, name, price = product
    lines = [(order, line, product_id, sku, name, line, price, line * price) for line in range(1, LINES + 1)]
    total = sum(line[-1] for line in lines)
    return {
        "orders": [(order, account, "placed", total, at, at)],
        "order_lines": lines,
        "order_history": [(order, order, None, "placed", account, at)],
    }


def batches(count, account, product):
    for first in range(0, count, BATCH):
        tables = {}
        for number in range(first, min(first + BATCH, count)):
            for table, some in rows(number, account, product).items():
                tables.setdefault(table, []).extend(some)
        yield tables


def fill_sqlite(path, account, count):
    connection = sqlite3.connect(path, timeout=30)
    product = connection.execute("SELECT id, sku, name, unit_price_cents FROM products ORDER BY id LIMIT 1").fetchone()
    connection.execute("PRAGMA synchronous = OFF")
    for tables in batches(count, account, product):
        with connection:
            for table, some in tables.items():
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(some[0]))})", some)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def fill_postgres(cluster, database, account, count):
    told = cluster.psql("SELECT id, sku, name, unit_price_cents FROM products ORDER BY id LIMIT 1", database).split("|")
    if len(told) != 4:
        raise Failure(f"no product to order: {told}")
    product = (*told[:3], int(told[3]))
    for tables in batches(count, account, product):
        text = ["BEGIN;"]
        for table, some in tables.items():
            text.append(f"COPY {table} FROM STDIN;")
            text += ["\t".join("\\N" if value is None else str(value) for value in row) for row in some]
            text.append("\\.")
        cluster.psql("\n".join([*text, "COMMIT;", ""]), database)
    cluster.tidy([database])
