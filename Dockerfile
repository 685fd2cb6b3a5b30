# Two stages: one builds the web client with every development tool, the other has only what runs.
FROM node:24-bookworm-slim AS base
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/oriel
COPY package.json package-lock.json ./

FROM base AS build
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build

FROM base
RUN npm ci --omit=dev --no-audit --no-fund && npm cache clean --force
COPY LICENSE ./
COPY gateway gateway
COPY protocol protocol
COPY recorder recorder
COPY --from=build /opt/oriel/web-client/dist web-client/dist
RUN useradd --system --uid 10001 --home-dir /var/lib/oriel --create-home oriel
# Everything is set up: `npm run backup` and its like need nothing before them, and what sets a clone up is not in here.
ENV NODE_ENV=production npm_config_ignore_scripts=true ORIEL_DATA=/var/lib/oriel ORIEL_PORT=443
# Root-less, and 443 all the same: container engines let every user bind low ports (net.ipv4.ip_unprivileged_port_start=0).
USER oriel
VOLUME /var/lib/oriel
EXPOSE 443
# Asks the gateway itself, whatever its certificate: the healthcheck runs inside the container.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node_modules/.bin/node", "-e", "require('node:https').get({ host: '127.0.0.1', port: process.env.ORIEL_PORT, path: '/healthz', rejectUnauthorized: false }, (r) => process.exit(r.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))"]
# As `npm start` does: nobody waits while V8 makes the heap smaller (docs/adr/0050-what-makes-a-key-wait.md).
CMD ["node_modules/.bin/node", "--no-memory-reducer", "--max-semi-space-size=4", "--heap-growing-percent=100", "--invocation-count-for-maglev=50", "--invocation-count-for-turbofan=200", "--minimum-invocations-after-ic-update=50", "gateway/main.ts"]
