# The steps are those of `make`, so that its test proves them: torch first and by itself, then Plumbline
# under the same constraints.
#
#   docker build -t plumbline .
#   docker run -p 127.0.0.1:8000:8000 -v "$PWD/docs-to-serve:/documents:ro" -v plumbline:/data plumbline
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
# Where to find torch's CPU build; empty takes the default index.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /build
RUN python3 -m venv /opt/plumbline
ENV PATH=/opt/plumbline/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY constraints.txt ./
RUN pip install --quiet "$(grep '^torch==' constraints.txt)" ${TORCH_INDEX:+--index-url ${TORCH_INDEX}}
COPY . .
RUN pip install --quiet --constraint constraints.txt '.[otel]'

FROM ${BASE}
RUN useradd --create-home --uid 1000 plumbline && install -d -o plumbline /data /documents
COPY --from=build /opt/plumbline /opt/plumbline
COPY --chown=plumbline deploy/start.sh /usr/local/bin/start
COPY --chown=plumbline examples/handbook /documents
USER plumbline
# Inside a container every interface is the container's own; publish the port to 127.0.0.1.
ENV PATH=/opt/plumbline/bin:$PATH PLUMBLINE_DATA_DIR=/data \
    PLUMBLINE_SERVER__HOST=0.0.0.0 PLUMBLINE_SERVER__ALLOW_PUBLIC=true
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s \
  CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["sh", "/usr/local/bin/start"]
