from webapp.sky.exposures import SkyExposure

__all__ = ["SkyExposure"]
