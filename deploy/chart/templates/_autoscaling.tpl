{{/* How fast replicas come and go, of either autoscaler: twice as many in 15 s, a quarter fewer in a minute. */}}
{{- define "fuseway.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - type: Percent
      value: 100
      periodSeconds: 15
    - type: Pods
      value: 4
      periodSeconds: 15
scaleDown:
  stabilizationWindowSeconds: {{ .Values.autoscaling.scaleDownSeconds }}
  policies:
    - type: Percent
      value: 25
      periodSeconds: 60
{{- end -}}

{{/* The series of this release, as Prometheus has them by the ServiceMonitor. */}}
{{- define "fuseway.series" -}}
{{- .Values.autoscaling.keda.selector | default (printf "namespace=%q,service=%q" .Release.Namespace (printf "%s-metrics" (include "fuseway.fullname" .))) -}}
{{- end -}}

{{/* The 95th percentile of a histogram, by a dict of `root` and `histogram`: 0 while there are no requests, and nothing
     where there are no series, so that a Prometheus that has lost its targets does not read as an idle gateway. */}}
{{- define "fuseway.percentile" -}}
{{- $window := .root.Values.autoscaling.keda.window -}}
{{- $series := include "fuseway.series" .root -}}
(histogram_quantile(0.95, sum by (le) (rate({{ .histogram }}_bucket{ {{- $series -}} }[{{ $window }}]))) >= 0) or (0 * sum(rate({{ .histogram }}_count{ {{- $series -}} }[{{ $window }}])))
{{- end -}}
