"""The names of the lab's Azure: which resolve where, and what answers there. Facts: azure-facts 1.5, 1.6, 2.2 - 2.4, 4."""

REGION = "eastus2"
PAIR = "centralus"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "22222222-2222-2222-2222-222222222222"
WORKSPACE = "lab-workspace"
WORKSPACE_ID = "11111111-1111-1111-1111-111111111111"
INSTANCE = "lab-ci"
STORAGE = "labstorage"
REGISTRY = "labacr"
VAULT = "labkv"

REQUEST_ID = "5f3c1d2e-901e-0042-55aa-d3f0c4000000"
BEARER = f'Bearer authorization_uri="https://login.windows.net/{TENANT}"'


def answer(status, body="", kind="application/json; charset=utf-8", **headers):
    """What nginx returns. Header names are written with _ for -."""
    return {"status": status, "body": body, "type": kind, "headers": {k.replace("_", "-"): v for k, v in headers.items()}}


def storage(kind):
    code = "NoAuthenticationInformation"
    return answer(401, f"<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>Server failed to authenticate the request.</Message></Error>",
                  "application/xml", x_ms_request_id=REQUEST_ID, x_ms_version="2021-12-02", x_ms_error_code=code,
                  WWW_Authenticate=f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize resource_id=https://storage.azure.com")


ENTRA = answer(200, '{"token_endpoint":"https://login.microsoftonline.com/common/oauth2/v2.0/token","issuer":"https://login.microsoftonline.com/{tenantid}/v2.0"}',
               x_ms_request_id=REQUEST_ID)
ARM = answer(401, '{"error":{"code":"AuthenticationFailed","message":"Authentication failed."}}', WWW_Authenticate=BEARER,
             x_ms_request_id=REQUEST_ID, x_ms_correlation_request_id=REQUEST_ID)
AML = answer(401, '{"error":{"code":"UserError","message":"Bearer token not provided."}}', WWW_Authenticate="Bearer",
             x_ms_response_type="error", x_request_time="0.004")
BATCH = answer(401, '{"odata.metadata":"#Error","code":"AuthenticationFailed"}', WWW_Authenticate=BEARER, request_id=REQUEST_ID)
MCR = answer(200, "{}", Docker_Distribution_Api_Version="registry/2.0", X_Ms_Correlation_Request_Id=REQUEST_ID)
ACR = answer(401, '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}',
             Docker_Distribution_Api_Version="registry/2.0", X_Ms_Correlation_Request_Id=REQUEST_ID,
             WWW_Authenticate=f'Bearer realm="https://{REGISTRY}.azurecr.io/oauth2/token",service="{REGISTRY}.azurecr.io"')
VAULT_ANSWER = answer(200, "", x_ms_keyvault_network_info="conn_type=PrivateLink;addr=10.0.0.4;act_addr_fam=InterNetwork;",
                      x_ms_keyvault_region=REGION, x_ms_keyvault_service_version="1.9.2000.1", x_ms_request_id=REQUEST_ID)
FRONT = answer(200, "<!DOCTYPE html><title>studio</title>", "text/html", X_Azure_Ref="20260101T000000Z-lab")
MONITOR = answer(200, "{}", x_ms_request_id=REQUEST_ID)
SIGN_IN = answer(302, "", Location=f"https://login.microsoftonline.com/{TENANT}/oauth2/authorize", x_request_time="0.002")
JUPYTER = "jupyter"  # handed on to the real server

TUNDRA = f"{REGION}.tundra.azureml.ms"

# name -> (chain of aliases, address, answer)
PUBLIC = {
    "login.microsoftonline.com": ([], "20.190.151.9", ENTRA),
    "management.azure.com": ([], "13.67.18.10", ARM),
    f"{REGION}.api.azureml.ms": ([], "20.41.0.241", AML),
    f"{REGION}.cert.api.azureml.ms": ([], "20.41.0.241", AML),
    f"{PAIR}.api.azureml.ms": ([], "20.40.231.40", AML),
    f"{PAIR}.cert.api.azureml.ms": ([], "20.40.231.40", AML),
    f"{REGION}.service.batch.azure.com": ([], "20.41.5.230", BATCH),
    f"{REGION}.batch.azure.com": ([], "20.41.5.230", BATCH),
    "mcr.microsoft.com": (["global.fe.mscr.io"], "150.171.69.46", MCR),
    f"{REGION}.data.mcr.microsoft.com": ([], "150.171.69.47", MCR),
    "ml.azure.com": ([], "13.107.246.48", FRONT),
    f"auth.{REGION}.instances.azureml.ms": ([], "20.41.0.241", SIGN_IN),
    f"{INSTANCE}.{REGION}.instances.azureml.net": ([], "20.41.0.242", SIGN_IN),
    TUNDRA: ([], "20.41.0.243", None),
    "dc.services.visualstudio.com": ([], "20.41.157.196", MONITOR),
    "dc.applicationinsights.azure.com": ([], "20.41.157.196", MONITOR),
    f"{REGION}.in.applicationinsights.azure.com": ([], "20.41.157.196", MONITOR),
    "graph.microsoft.com": ([], "20.190.151.10", ARM),
    "graph.windows.net": ([], "20.190.151.11", ARM),
    "dc.applicationinsights.microsoft.com": ([], "20.41.157.196", MONITOR),
    "automlresources-prod-d0eaehh7g8andvav.b02.azurefd.net": ([], "13.107.246.50", FRONT),  # the former host is no more
    "aka.ms": ([], "13.107.246.49", FRONT),
}
PRIVATE = {
    f"{WORKSPACE_ID}.workspace.{REGION}.api.azureml.ms": ([f"{WORKSPACE_ID}.workspace.{REGION}.privatelink.api.azureml.ms"], "10.0.1.4", AML),
    f"{WORKSPACE_ID}.workspace.{REGION}.cert.api.azureml.ms": ([f"{WORKSPACE_ID}.workspace.{REGION}.privatelink.api.azureml.ms"], "10.0.1.4", AML),
    f"{INSTANCE}.{REGION}.instances.azureml.ms": ([f"{WORKSPACE_ID}.workspace.{REGION}.privatelink.api.azureml.ms"], "10.0.1.4", JUPYTER),
    f"ml-{WORKSPACE}-{REGION}-{WORKSPACE_ID}.{REGION}.notebooks.azure.net":
        ([f"ml-{WORKSPACE}-{REGION}-{WORKSPACE_ID}.{REGION}.privatelink.notebooks.azure.net"], "10.0.1.5", AML),
    f"{STORAGE}.blob.core.windows.net": ([f"{STORAGE}.privatelink.blob.core.windows.net"], "10.0.1.10", storage("Blob")),
    f"{STORAGE}.file.core.windows.net": ([f"{STORAGE}.privatelink.file.core.windows.net"], "10.0.1.11", storage("File")),
    f"{STORAGE}.queue.core.windows.net": ([f"{STORAGE}.privatelink.queue.core.windows.net"], "10.0.1.12", storage("Queue")),
    f"{STORAGE}.table.core.windows.net": ([f"{STORAGE}.privatelink.table.core.windows.net"], "10.0.1.13", storage("Table")),
    f"{VAULT}.vault.azure.net": ([f"{VAULT}.privatelink.vaultcore.azure.net"], "10.0.1.20", VAULT_ANSWER),
    f"{REGISTRY}.azurecr.io": ([f"{REGISTRY}.privatelink.azurecr.io"], "10.0.1.30", ACR),
    f"{REGISTRY}.{REGION}.data.azurecr.io": ([f"{REGISTRY}.{REGION}.data.privatelink.azurecr.io"], "10.0.1.31", MCR),
}
IMDS, WIRESERVER = "169.254.169.254", "168.63.129.16"


def public_view():
    """What the world outside sees: the aliases lead on to public addresses, where in here nobody answers."""
    return {chain[-1]: [f"A 20.60.1.{i}"] for i, (chain, _, _) in enumerate(PRIVATE.values(), 1)}


def zone(changes):
    """The lines of Azure's DNS: every name with its chain, the scenario's changes in their place. A change is a list of "TYPE data"
    for a name, or nothing at all to leave the name out; a name with a chain may be changed at its end under its last alias."""
    records = {}
    for table in (PUBLIC, PRIVATE):
        for name, (chain, address, _) in table.items():
            owner = name
            for alias in chain:
                records[owner] = [f"CNAME {alias}."]
                owner = alias
            records[owner] = [f"A {address}"]
    records.update(changes)
    lines = ["$ORIGIN .", "$TTL 60", ". IN SOA ns.lab. root.lab. 1 60 60 60 60", ". IN NS ns.lab.", f"ns.lab. IN A {WIRESERVER}"]
    for owner, rows in records.items():
        lines += [f"{owner}. 10 IN {row}" for row in rows or []]
    return lines
