{{/* What no schema can say of the values: each problem is a line, and all are told at once. */}}

{{- define "fuseway.problems" -}}
{{- $values := .Values -}}
{{- $secrets := $values.secretSettings -}}
{{- if not $values.image.repository }}
- image.repository is missing: name the image that you built from deploy/image, such as registry.example/fuseway.
{{- end }}
{{- if not (include "fuseway.modelName" .) }}
- model.name is missing: name the model in the image, such as /model/shop, or set model.configMap.
{{- end }}
{{- if and $values.model.configMap.name $values.model.configMap.files }}
- model.configMap has both a name and files: keep one of them.
{{- end }}
{{- if not (hasKey $secrets "REDIS_URL") }}
- secretSettings.REDIS_URL is missing: name the secret that has it. With redis.enabled it is redis://:PASSWORD@{{ include "fuseway.fullname" . }}-redis:6379/0.
{{- end }}
{{- if not (hasKey $secrets "GATEWAY_CURSOR_SECRET") }}
- secretSettings.GATEWAY_CURSOR_SECRET is missing: without it, a replica refuses the cursors of the others.
{{- end }}
{{- $urls := 0 }}
{{- range $name, $_ := $secrets }}
{{- if regexMatch "^(DATABASE|CLICKHOUSE)_([A-Z0-9_]+_)?URL$" $name }}{{ $urls = add1 $urls }}{{ end }}
{{- end }}
{{- if not $urls }}
- secretSettings names no database: add DATABASE_URL, CLICKHOUSE_URL or those that the model names, such as DATABASE_CRM_URL.
{{- end }}
{{- if and $values.migration.enabled (not (or (hasKey $secrets "DATABASE_URL") (hasKey $secrets "GATEWAY_DATABASE_URL"))) }}
- migration.enabled needs secretSettings.GATEWAY_DATABASE_URL or DATABASE_URL, which holds API keys: add it, or set migration.enabled to false where requests have tokens alone.
{{- end }}
{{- if and $values.autoscaling.hpa.enabled $values.autoscaling.keda.enabled }}
- autoscaling.hpa.enabled and autoscaling.keda.enabled are both true: KEDA makes a HorizontalPodAutoscaler of its own, and two of them would pull one Deployment to and fro. Keep one.
{{- end }}
{{- if not (add $values.rollout.maxSurge $values.rollout.maxUnavailable) }}
- rollout.maxSurge and rollout.maxUnavailable are both 0: no pod could ever be replaced.
{{- end }}
{{- if gt (int $values.autoscaling.minReplicas) (int $values.autoscaling.maxReplicas) }}
- autoscaling.minReplicas is more than autoscaling.maxReplicas.
{{- end }}
{{- if and $values.autoscaling.keda.enabled (not $values.autoscaling.keda.prometheusAddress) }}
- autoscaling.keda.prometheusAddress is missing: KEDA asks it, such as http://prometheus-operated.monitoring:9090.
{{- end }}
{{- if and $values.autoscaling.keda.enabled (not $values.metrics.enabled) }}
- autoscaling.keda.enabled needs metrics.enabled: its queries are over the gateway's metrics.
{{- end }}
{{- if and $values.autoscaling.keda.enabled (not $values.autoscaling.keda.selector) (not $values.metrics.serviceMonitor.enabled) }}
- autoscaling.keda.selector is missing: without metrics.serviceMonitor, name the series that Prometheus has of this release, such as job="fuseway".
{{- end }}
{{- if and $values.autoscaling.hpa.enabled $values.autoscaling.hpa.inFlightRequests (not $values.metrics.enabled) }}
- autoscaling.hpa.inFlightRequests needs metrics.enabled: set it to 0 to scale by CPU alone.
{{- end }}
{{- if and $values.metrics.serviceMonitor.enabled (not $values.metrics.enabled) }}
- metrics.serviceMonitor.enabled needs metrics.enabled: there is nothing to scrape.
{{- end }}
{{- if and $values.redis.enabled (not $values.redis.password.secret) }}
- redis.password.secret is missing: whoever can write to Redis can change answers. Name the secret that has its password.
{{- end }}
{{- if and $values.tracing.endpoint (hasKey $secrets "OTEL_EXPORTER_OTLP_ENDPOINT") }}
- tracing.endpoint and secretSettings.OTEL_EXPORTER_OTLP_ENDPOINT are both set: keep one of them.
{{- end }}
{{- if and $values.probe.enabled (not (and $values.probe.url $values.probe.checks)) }}
- probe.url or probe.checks is missing: what the probe asks, such as https://api.shop.example/graphql, and a ConfigMap with its checks.
{{- end }}
{{- if $values.ingress.enabled }}
{{- if not $values.ingress.host }}
- ingress.host is missing: the host that clients ask for, such as api.shop.example.
{{- end }}
{{- if not (hasKey $values.settings "GATEWAY_TRUSTED_PROXIES") }}
- settings.GATEWAY_TRUSTED_PROXIES is missing: with ingress.enabled, name the networks of the controller's pods, such as 10.0.0.0/8. Without it all clients count as one, and share one budget.
{{- end }}
{{- end }}
{{- end -}}

{{- define "fuseway.check" -}}
{{- with include "fuseway.problems" . | trim -}}
{{- fail (printf "\n%s\n" .) -}}
{{- end -}}
{{- end -}}
