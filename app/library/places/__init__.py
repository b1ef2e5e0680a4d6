"""Where models lie: own and chosen folders, and the folders of other applications."""
