"""What tests share: guards, fakes and builders."""
