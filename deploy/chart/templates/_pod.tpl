{{/* What the pods of the gateway, of the migration and of warming have in common. */}}

{{- define "fuseway.image" -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest -}}@{{ .Values.image.digest }}{{- else -}}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}
{{- end -}}

{{/* The ConfigMap of the model: the named one, or the chart's own, whose name changes with its content. */}}
{{- define "fuseway.modelConfigMap" -}}
{{- if .Values.model.configMap.name -}}
{{- .Values.model.configMap.name -}}
{{- else if .Values.model.configMap.files -}}
{{- printf "%s-model-%s" (include "fuseway.fullname" .) (.Values.model.configMap.files | toJson | sha256sum | trunc 10) -}}
{{- end -}}
{{- end -}}

{{- define "fuseway.modelName" -}}
{{- if .Values.model.name -}}
{{- .Values.model.name -}}
{{- else if include "fuseway.modelConfigMap" . -}}
/model/model.py
{{- end -}}
{{- end -}}

{{/* A value of a setting as text. Numbers by JSON: Go would write 1000000 as 1e+06. */}}
{{- define "fuseway.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{- define "fuseway.environment" -}}
- name: GATEWAY_MODEL
  value: {{ include "fuseway.modelName" . | quote }}
- name: GATEWAY_PORT
  value: "8000"
{{- if .Values.metrics.enabled }}
- name: GATEWAY_METRICS_PORT
  value: "9464"
{{- end }}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ include "fuseway.text" $value | quote }}
{{- end }}
{{- range $name, $reference := .Values.secretSettings }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $reference.secret }}
      key: {{ $reference.key | default $name }}
{{- end }}
{{- with .Values.tracing.endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ include "fuseway.fullname" $ }}
- name: OTEL_TRACES_SAMPLER
  value: {{ $.Values.tracing.sampler }}
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ include "fuseway.text" $.Values.tracing.ratio | quote }}
{{- end }}
{{- end -}}

{{- define "fuseway.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "fuseway.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The fields of a pod before its containers. Links to services would set GATEWAY_PORT for a service named gateway. */}}
{{- define "fuseway.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.serviceAccountName }}
serviceAccountName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
securityContext:
  {{- include "fuseway.podSecurity" .Values.image.user | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 256Mi
  {{- with include "fuseway.modelConfigMap" . }}
  - name: model
    configMap:
      name: {{ . }}
  {{- end }}
  {{- range $index, $mount := .Values.mounts }}
  - name: mount-{{ $index }}
    {{- if $mount.secret }}
    secret:
      secretName: {{ $mount.secret }}
    {{- else }}
    configMap:
      name: {{ $mount.configMap }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* The fields of a container of the gateway's image, but for its name, command and resources. */}}
{{- define "fuseway.container" -}}
image: {{ include "fuseway.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "fuseway.environment" . | nindent 2 }}
securityContext:
  {{- include "fuseway.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if include "fuseway.modelConfigMap" . }}
  - name: model
    mountPath: /model
    readOnly: true
  {{- end }}
  {{- range $index, $mount := .Values.mounts }}
  - name: mount-{{ $index }}
    mountPath: {{ $mount.path }}
    readOnly: true
  {{- end }}
{{- end -}}
