# Serve a run over HTTP as a user without rights: docs/serve.md, "Container".
FROM python:3.11.14-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp

RUN groupadd --gid 10001 vaekit \
    && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin vaekit

# PyTorch has a layer of its own, as it is large and changes rarely; this index has CPU builds.
WORKDIR /build
COPY constraints.txt ./
RUN pip install --no-deps --index-url https://download.pytorch.org/whl/cpu -c constraints.txt torch

COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install -c constraints.txt ".[serve]"

WORKDIR /
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client; check = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); check.request('GET', '/health'); raise SystemExit(check.getresponse().status != 200)"]
ENTRYPOINT ["vaekit", "serve", "/run-folder", "--host", "0.0.0.0", "--port", "8000"]
