# syntax=docker/dockerfile:1
# One container for every command: docker build -t advisor:0.1.0 . && docker run --rm advisor:0.1.0 --help
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/advisor
ENV PATH=/opt/advisor/bin:$PATH
# The locked dependencies come first: they change less often than the code, and their layer is kept.
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY advisor ./advisor
COPY rules ./rules
RUN pip install --no-deps --no-build-isolation .
# Bytecode now, for a container starts often; a few packages carry files of other Pythons, which can't be compiled.
RUN python -m compileall -q -j 0 /opt/advisor/lib || true
RUN advisor --version && advisor rules verify homl2

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Advisor" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --create-home --uid 10001 advisor && install --directory --owner advisor /data
COPY --from=build /opt/advisor /opt/advisor
ENV PATH=/opt/advisor/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=3
USER advisor
WORKDIR /data
ENTRYPOINT ["advisor"]
CMD ["--help"]
