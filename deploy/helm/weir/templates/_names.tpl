{{/* The name of everything of a role: release and role. */}}
{{- define "weir.name" -}}
{{ .Release.Name }}-{{ .role }}
{{- end }}

{{/* By which the pods of a role are found. */}}
{{- define "weir.selector" -}}
app.kubernetes.io/name: weir
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}
