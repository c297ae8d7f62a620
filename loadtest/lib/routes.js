// The routes of the API: one place for their paths, the labels that requests are counted under, and the statuses that
// the API reference documents for them. Labels are templates, as in the service's own metrics, never addresses or ids.

// What any route may answer whose caller has to be known, and what any route may answer that takes a body.
const CALLER = [401, 429, 500, 503];
const BODY = [400, 408, 413, 415, 422];

const route = (method, path, statuses) => ({ method, path, statuses: [0, ...statuses] });

export const ROUTES = {
  landing: route('GET', '/', [200]),
  docs: route('GET', '/docs', [200]),
  docsFile: route('GET', '/docs/{file}', [200, 404]),
  openapi: route('GET', '/openapi.json', [200]),
  problem: route('GET', '/problems/{code}', [200, 404]),
  health: route('GET', '/health', [200, 503]),
  live: route('GET', '/health/live', [200]),
  ready: route('GET', '/health/ready', [200, 503]),
  register: route('POST', '/api/v1/accounts', [201, 409, 429, 500, 503, ...BODY]),
  me: route('GET', '/api/v1/accounts/me', [200, ...CALLER]),
  logIn: route('POST', '/api/v1/sessions', [201, ...CALLER, ...BODY]),
  refresh: route('POST', '/api/v1/sessions/refresh', [200, ...CALLER, ...BODY]),
  logOut: route('DELETE', '/api/v1/sessions', [204, ...CALLER]),
  products: route('GET', '/api/v1/products', [200, 400, 429, 500, 503]),
  product: route('GET', '/api/v1/products/{id}', [200, 304, 400, 404, 429, 500, 503]),
  addProduct: route('POST', '/api/v1/products', [201, 403, 409, ...CALLER, ...BODY]),
  changeProduct: route('PATCH', '/api/v1/products/{id}', [200, 403, 404, 409, ...CALLER, ...BODY]),
  place: route('POST', '/api/v1/orders', [201, 409, ...CALLER, ...BODY]),
  orders: route('GET', '/api/v1/orders', [200, 400, ...CALLER]),
  order: route('GET', '/api/v1/orders/{id}', [200, 400, 404, ...CALLER]),
  history: route('GET', '/api/v1/orders/{id}/history', [200, 400, 404, ...CALLER]),
  cancel: route('POST', '/api/v1/orders/{id}/cancel', [200, 400, 404, 409, ...CALLER]),
  pay: route('POST', '/api/v1/orders/{id}/pay', [200, 400, 403, 404, 409, ...CALLER]),
  ship: route('POST', '/api/v1/orders/{id}/ship', [200, 400, 403, 404, 409, ...CALLER]),
  deliver: route('POST', '/api/v1/orders/{id}/deliver', [200, 400, 403, 404, 409, ...CALLER]),
};

// Asked for by the smoke test only: what is no route, and a method that a route does not take.
export const UNKNOWN_PATH = route('GET', 'unmatched', [404]);
export const WRONG_METHOD = route('PUT', '/api/v1/orders', [405]);

// Everything that a run without the smoke test sends.
export const SHOP = [
  'ready',
  'logIn',
  'refresh',
  'me',
  'products',
  'product',
  'addProduct',
  'place',
  'orders',
  'order',
  'history',
  'cancel',
].map((name) => ROUTES[name]);

export const EVERY_ROUTE = [...Object.values(ROUTES), UNKNOWN_PATH, WRONG_METHOD];

// Probes answer 503 on purpose and are asked by others as well: no count or objective looks at them.
export const isProbe = (path) => path.startsWith('/health');

// Where a request is counted: `GET /api/v1/orders/{id}`.
export const label = ({ method, path }) => `${method} ${path}`;
