# An image of your own model: copy this file beside the model's folder, here `shop` with its model.py, and build it there:
# `docker build -f model.Dockerfile -t shop-gateway:1 .`
ARG FUSEWAY=fuseway:0.1.1
FROM ${FUSEWAY}
ARG MODEL=shop
COPY ${MODEL}/ /model/${MODEL}/
ENV GATEWAY_MODEL=/model/${MODEL}
# A model with a mistake does not become an image; no database is needed for this.
RUN ["gateway", "model", "check"]
