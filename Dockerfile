# The service alone, without build step and without development packages. Its engines are compose.yaml's, or yours.
FROM node:26-slim AS packages
WORKDIR /service
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production HOST=0.0.0.0 OPERATORS_HOST=0.0.0.0
WORKDIR /service
COPY --from=packages /service/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY db db
COPY plugins plugins
COPY src src
# Audit entries wait here while Redis is away: a volume that outlives the container keeps them.
RUN mkdir -p /var/spool/turno && chown node:node /var/spool/turno
ENV AUDIT_SPOOL_DIR=/var/spool/turno
# What Node makes of the source files is kept here by the first start of a container.
RUN mkdir -p /var/cache/turno && chown node:node /var/cache/turno
ENV NODE_COMPILE_CACHE=/var/cache/turno
USER node
EXPOSE 4000 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4000/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# SIGTERM drains (src/server.ts): give it as long as SHUTDOWN_MS before it is killed.
CMD ["node", "src/server.ts"]
