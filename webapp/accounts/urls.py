from django.urls import path

from webapp.accounts import views

urlpatterns = [
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/<str:token>", views.sign_in_link, name="sign-in-link"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("no-workspace", views.no_workspace, name="no-workspace"),
    path("workspaces/<number:pk>/switch", views.switch_workspace, name="switch-workspace"),
    path("settings", views.settings_home, name="settings"),
    path("settings/profile", views.profile, name="profile"),
    path("settings/password", views.password, name="password"),
    path("settings/members", views.members, name="members"),
    path("settings/members/<number:pk>/role", views.member_role, name="member-role"),
    path("settings/members/<number:pk>/remove", views.member_remove, name="member-remove"),
    path("settings/members/<number:pk>/link", views.member_link, name="member-link"),
    path("settings/logo", views.logo, name="workspace-logo"),
    path("settings/keys", views.keys, name="keys"),
    path("settings/keys/<number:pk>/revoke", views.key_revoke, name="key-revoke"),
    path("settings/audit-log", views.audit_log, name="audit-log"),
]
