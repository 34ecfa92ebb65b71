"""The lab's certificates: a root and an issuing authority named as Azure's are, a company's own root, and leaves of every quality."""
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import names

NOW = datetime.datetime.utcnow()


def days(number):
    return NOW + datetime.timedelta(days=number)


def subject(organisation, common_name):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation), x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def pem_of(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


class Certificates:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.authorities = {}  # name -> (certificate, key)
        self.authority("root", subject("DigiCert Inc", "Lab Global Root G2"))
        self.authority("issuing", subject("Microsoft Corporation", "Lab Azure TLS Issuing CA 01"), by="root")
        self.authority("corporate", subject("Contoso Ltd", "Contoso Inspection Root CA"))
        self.key = ec.generate_private_key(ec.SECP256R1())
        (folder / "leaf.key").write_bytes(pem_of(self.key))
        self.leaf("good", sorted({*names.PUBLIC, *names.PRIVATE, "mtls.contoso.com"}))
        self.leaf("own", ["api.contoso.local"], issuer=None)

    def sign(self, wanted, key, issuer, begin, end, *extensions):
        name, signer = (issuer[0].subject, issuer[1]) if issuer else (wanted, key)
        builder = (x509.CertificateBuilder().subject_name(wanted).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        return builder.sign(signer, hashes.SHA256())

    def authority(self, name, wanted, by=None):
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
                              key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)
        made = self.sign(wanted, key, self.authorities.get(by), days(-2000), days(1600), (x509.BasicConstraints(True, None), True), (usage, True))
        self.authorities[name] = made, key
        self.write(name, made)

    def write(self, file, *chain):
        path = self.folder / f"{file}.pem"
        path.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
        path.chmod(0o644)
        return path

    def leaf(self, file, hosts, issuer="issuing", begin=-60, end=120, with_chain=True, purpose=ExtendedKeyUsageOID.SERVER_AUTH):
        path = self.folder / f"{file}.pem"
        if path.exists():
            return path
        by = self.authorities.get(issuer)
        extensions = ((x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), False),
                      (x509.BasicConstraints(False, None), True), (x509.ExtendedKeyUsage([purpose]), False))
        made = self.sign(subject("Microsoft Corporation", hosts[0][:64]), self.key, by, days(begin), days(end), *extensions)
        return self.write(file, made, *([by[0]] if by and with_chain else []))

    def of_kind(self, kind, host):
        """good, expired, not-yet-valid, other-name, self-signed, no-intermediate, other-purpose, corporate"""
        made = {"good": lambda: self.folder / "good.pem",
                "expired": lambda: self.leaf(f"expired-{host}", [host], begin=-200, end=-110),
                "not-yet-valid": lambda: self.leaf(f"future-{host}", [host], begin=30, end=120),
                "other-name": lambda: self.leaf("other", ["other.lab.example"]),
                "self-signed": lambda: self.leaf(f"self-{host}", [host], issuer=None),
                "no-intermediate": lambda: self.leaf(f"short-{host}", [host], with_chain=False),
                "other-purpose": lambda: self.leaf(f"client-{host}", [host], purpose=ExtendedKeyUsageOID.CLIENT_AUTH),
                "corporate": lambda: self.leaf(f"corporate-{host}", [host], issuer="corporate")}
        return made[kind]()
